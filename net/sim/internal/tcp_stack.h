#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "floe/net/network.h"
#include "floe/net/sim/event_queue.h"
#include "floe/net/sim/internal/tcp_connection.h"
#include "floe/net/sim/packet.h"

namespace floe::net::sim {

/// A listening socket, as the system sees it.
class TcpListener final : public std::enable_shared_from_this<TcpListener> {
 public:
  /// Connections under way or not yet handed over; more are not answered. Linux' somaxconn of old.
  static constexpr std::size_t kMaxBacklog = 128;

  TcpListener(Host& host, const Endpoint& local, ListenerHandler& handler);
  const Endpoint& local() const { return local_; }
  bool is_full() const { return backlog_ >= kMaxBacklog; }
  void begin() { ++backlog_; }
  void forget() { --backlog_; }
  void hand_over(std::shared_ptr<TcpConnection> connection);
  void close();

 private:
  void accept();

  Host& host_;
  Endpoint local_;
  ListenerHandler* handler_;
  std::size_t backlog_ = 0;
  std::deque<std::shared_ptr<TcpConnection>> ready_;
  MethodEvent<TcpListener> accept_;
};

/// The TCP connections and listeners of one host.
class TcpStack {
 public:
  explicit TcpStack(Host& host);
  ~TcpStack();

  Result<std::unique_ptr<Stream>> connect(const Endpoint& remote, std::optional<Endpoint> local,
                                          StreamHandler& handler);
  Result<std::unique_ptr<Listener>> listen(const Endpoint& local, ListenerHandler& handler);
  void close(TcpListener& listener);
  /// Why the run could not be written; nullopt also if it is for no stream.
  std::optional<Error> send(const SendBatch& batch, const SendBatch::Run& run);
  void receive(const Packet& packet);
  void set_split(double probability) { split_ = probability; }

  // What connections call:
  /// Where to cut `size` bytes that are handed over; 0: not at all.
  std::size_t choose_cut(std::size_t size);
  std::uint64_t initial_sequence() { return random_.u32(); }
  void accepted(TcpConnection& connection);
  void remove(TcpConnection& connection);
  /// RFC 9293 section 3.10.7.1: what belongs to no connection is answered with RST, except RST.
  void refuse(const Packet& packet);

 private:
  struct Ends {
    Endpoint local;
    Endpoint remote;
    friend bool operator==(const Ends&, const Ends&) = default;
  };
  struct EndsHash {
    std::size_t operator()(const Ends& ends) const {
      return ends.local.hash() * 31 + ends.remote.hash();
    }
  };
  static Ends ends_of(const TcpConnection& connection) {
    return {connection.local(), connection.remote()};
  }
  void add(const std::shared_ptr<TcpConnection>& connection);
  bool is_listening(const Endpoint& local) const;
  /// `wanted`, with a port that nobody uses if it has none.
  Result<Endpoint> choose_local(const Endpoint& wanted);
  std::shared_ptr<TcpListener> find_listener(const Endpoint& local) const;
  void receive_syn(const Packet& packet);

  Host& host_;
  SeededRandom random_;
  double split_ = 0.25;
  std::unordered_map<Ends, std::shared_ptr<TcpConnection>, EndsHash> connections_;
  std::unordered_map<SocketId, TcpConnection*> by_id_;
  std::unordered_map<TcpConnection*, std::weak_ptr<TcpListener>> accepting_;
  std::unordered_map<Endpoint, std::shared_ptr<TcpListener>> listeners_;
  std::unordered_multiset<std::uint16_t> connecting_from_;
};

}  // namespace floe::net::sim
