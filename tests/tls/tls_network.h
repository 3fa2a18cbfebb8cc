#pragma once

#include <memory>
#include <string>

#include "floe/net/network.h"
#include "floe/tls/stream.h"
#include "tests/tls/certificates.h"

namespace floe::tls::testing {

/// A network whose streams are TLS: so the suite that every network's streams pass says whether TLS
/// streams keep their promises.
class TlsNetwork final : public net::Network {
 public:
  /// Serves with a certificate of `authority` for `name`, and expects it of others.
  TlsNetwork(net::Network& below, const Authority& authority, const std::string& name)
      : below_(below) {
    client_.server_name = name;
    client_.trust = authority.trust();
    Subject subject;
    subject.names = {"DNS:" + name};
    server_.identity = authority.issue(subject);
  }

  Time now() const override { return below_.now(); }
  Random& random() override { return below_.random(); }
  std::chrono::sys_seconds wall_clock() const override { return below_.wall_clock(); }
  std::vector<net::Interface> interfaces() override { return below_.interfaces(); }
  Result<std::unique_ptr<net::UdpSocket>> open_udp(const net::UdpOptions& options,
                                                   net::UdpHandler& handler) override {
    return below_.open_udp(options, handler);
  }
  Result<std::unique_ptr<net::Stream>> connect(const net::Endpoint& remote,
                                               std::optional<net::Endpoint> local,
                                               net::StreamHandler& handler) override {
    return tls::connect(below_, remote, local, client_, handler);
  }
  Result<std::unique_ptr<net::Listener>> listen(const net::Endpoint& local,
                                                net::ListenerHandler& handler) override {
    return tls::listen(below_, local, server_, handler);
  }
  std::unique_ptr<net::Timer> create_timer(std::function<void()> callback) override {
    return below_.create_timer(std::move(callback));
  }
  std::unique_ptr<net::Lookup> lookup(std::string_view name,
                                      net::LookupCallback callback) override {
    return below_.lookup(name, std::move(callback));
  }
  void post(std::function<void()> task) override { below_.post(std::move(task)); }

 private:
  void send_packets(net::SendBatch& batch) override { below_.send(batch); }

  net::Network& below_;
  ClientOptions client_;
  ServerOptions server_;
};

}  // namespace floe::tls::testing
