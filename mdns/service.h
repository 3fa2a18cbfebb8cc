#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "floe/core/result.h"
#include "floe/mdns/querier.h"
#include "floe/mdns/responder.h"
#include "floe/net/network.h"

namespace floe::mdns {

/// A name this machine answers for. Destroying it takes the name back.
class Registration {
 public:
  virtual ~Registration() = default;
  /// "1f4712db-ea17-4bcf-a596-105139dfd8bf.local"
  virtual const std::string& name() const = 0;
};

/// A lookup under way. Destroying it abandons it.
class Resolution {
 public:
  virtual ~Resolution() = default;
};

/// Multicast DNS on a network, for the names of ICE candidates: answers for the names of this
/// machine's addresses and resolves other machines'. One service serves everything on its network.
///
/// It has a socket on port 5353 for each family of each interface, beside other responders of the
/// machine. The names it holds when it is destroyed get their goodbye in that call.
class Service final : private net::UdpHandler {
 public:
  /// The new name, after somebody else had the old one; empty when the address has no name any
  /// more because its new ones were disputed too.
  using Renamed = std::function<void(const std::string& name)>;
  /// Addresses, at least one, or why there are none. Called once, never from within `resolve`.
  using Callback = std::function<void(Result<std::vector<net::Address>>)>;

  struct Configuration {
    Responder::Configuration responder{};
    Querier::Configuration querier{};
    bool ipv4 = true;
    bool ipv6 = true;
    /// True for the interfaces to use; all but loopback when empty.
    std::function<bool(const net::Interface&)> filter{};
  };

  struct Stats {
    Responder::Stats responder;
    Querier::Stats querier;
    std::uint64_t dropped_malformed = 0;
    std::uint64_t dropped_off_link = 0;    ///< From a source that is on no link.
    std::uint64_t dropped_other_port = 0;  ///< Responses that are not from port 5353.
    std::uint64_t send_failures = 0;
  };

  /// `network` must outlive the service. It works with whatever interfaces there are, none at all
  /// included, and follows their changes; `problems()` says which could not be used.
  static std::unique_ptr<Service> create(net::Network& network, Configuration configuration);
  static std::unique_ptr<Service> create(net::Network& network) {
    return create(network, Configuration{});
  }
  ~Service() override;

  /// Makes up a name for `address`, which may be told to others at once. `renamed` may be empty.
  /// Errors: see `Responder::register_name`. The registration may outlive the service.
  [[nodiscard]] Result<std::unique_ptr<Registration>> register_name(const net::Address& address,
                                                                    Renamed renamed);
  /// Errors come to the callback. The resolution may outlive the service.
  [[nodiscard]] std::unique_ptr<Resolution> resolve(std::string_view name, Callback callback);

  /// Why interfaces could not be used, one sentence each.
  const std::vector<std::string>& problems() const { return problems_; }
  Stats stats() const;

 private:
  class Name;
  class Answer;
  struct LinkSocket {
    std::string interface;
    net::Family family;
    std::unique_ptr<net::UdpSocket> socket;
  };

  Service(net::Network& network, Configuration configuration);
  void on_datagrams(std::span<net::Datagram> datagrams) override;
  void take(Time now, const net::Datagram& datagram);
  void open_links();
  void flush(Time now);
  void turn();
  void wake();
  bool deliver_event();
  void deliver(Responder::Event event);
  void deliver(Querier::Event event);

  net::Network& network_;
  Configuration configuration_;
  Responder responder_;
  Querier querier_;
  std::vector<LinkSocket> sockets_;
  std::vector<Link> links_;
  std::vector<std::string> problems_;
  std::unordered_map<std::string, Name*> names_;
  std::unordered_map<LookupId, Answer*> answers_;
  std::unique_ptr<net::Timer> timer_;
  std::unique_ptr<net::InterfaceWatch> watch_;
  std::shared_ptr<Service*> self_;  ///< Holds nullptr once the service is gone.
  Stats stats_;
};

}  // namespace floe::mdns
