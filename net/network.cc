#include "floe/net/network.h"

namespace floe::net {

SinkRegistration Network::add_sink(Sink& sink) {
  return {sinks_, sink};
}

void Network::send(SendBatch& batch) {
  if (!sinks_->empty()) sinks_->send(batch);
  send_packets(batch);
}

}  // namespace floe::net
