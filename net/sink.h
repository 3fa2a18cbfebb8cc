#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>

#include "floe/net/datagram.h"
#include "floe/net/send_batch.h"

namespace floe::net {

/// Something above a network that takes packets under a `SocketId` of its own, as a socket does,
/// and changes them before they leave: a TLS stream, a DTLS client.
class Sink {
 public:
  virtual ~Sink() = default;
  /// Sends `runs` of `batch`, all for this sink's id; lists what is refused in `batch.failures()`.
  /// As with every call into a network, no handler is called before it returns. It may call
  /// `Network::send` with another batch.
  virtual void send(SendBatch& batch, std::span<const SendBatch::Run> runs) = 0;
};

/// The ids of sinks have this bit; a network gives its own sockets ids below it. (The bit above is
/// for ids that never reach a network.)
inline constexpr std::uint32_t kSinkBit = 0x4000'0000;
inline constexpr bool is_sink(SocketId id) {
  return (static_cast<std::uint32_t>(id) & kSinkBit) != 0;
}

/// The sinks of one network; see `Network::add_sink`.
class SinkTable {
 public:
  SocketId add(Sink& sink);
  void remove(SocketId id) { sinks_.erase(id); }
  bool empty() const { return sinks_.empty(); }
  /// Hands each sink its runs; those of sinks that are gone are dropped.
  void send(SendBatch& batch) const;

 private:
  std::unordered_map<SocketId, Sink*> sinks_;
  std::uint32_t last_ = 0;
};

/// Keeps a sink in its network; destroying it, before or after the network, takes the sink out.
class SinkRegistration {
 public:
  SinkRegistration() = default;
  SinkRegistration(const std::shared_ptr<SinkTable>& table, Sink& sink)
      : table_(table), id_(table->add(sink)) {}
  SinkRegistration(SinkRegistration&& other) noexcept { *this = std::move(other); }
  SinkRegistration& operator=(SinkRegistration&& other) noexcept {
    std::swap(table_, other.table_);
    std::swap(id_, other.id_);
    return *this;
  }
  ~SinkRegistration() {
    if (const auto table = table_.lock()) table->remove(id_);
  }

  SocketId id() const { return id_; }
  /// The network is still there.
  bool is_active() const { return !table_.expired(); }

 private:
  std::weak_ptr<SinkTable> table_;
  SocketId id_ = kNoSocket;
};

}  // namespace floe::net
