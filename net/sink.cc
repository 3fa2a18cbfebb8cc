#include "floe/net/sink.h"

namespace floe::net {

SocketId SinkTable::add(Sink& sink) {
  // After a billion sinks the numbers start again; those still in use are left out.
  SocketId id;
  do {
    id = SocketId{kSinkBit | (++last_ & (kSinkBit - 1))};
  } while (!sinks_.try_emplace(id, &sink).second);
  return id;
}

void SinkTable::send(SendBatch& batch) const {
  const std::span<const SendBatch::Run> runs = batch.runs();
  for (std::size_t begin = 0, end = 0; begin < runs.size(); begin = end) {
    const SocketId id = runs[begin].route.socket;
    while (end < runs.size() && runs[end].route.socket == id) ++end;
    if (!is_sink(id)) continue;
    const auto found = sinks_.find(id);
    if (found != sinks_.end()) found->second->send(batch, runs.subspan(begin, end - begin));
  }
}

}  // namespace floe::net
