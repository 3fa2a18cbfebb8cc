#include "floe/tls/internal/sealed_batch.h"

#include <string>
#include <utility>

#include "floe/core/limits.h"

namespace floe::tls {

MutableBytes SealedBatch::open(const net::Endpoint& to, std::size_t size,
                               std::vector<net::SendBatch::Failure>* failures) {
  const net::Route route{socket_, to, {}};
  const MutableBytes space = sealed_.open(route, size);
  if (!space.empty()) return space;
  flush(failures);
  return sealed_.open(route, size);
}

void SealedBatch::collect(Time now, const net::Endpoint& to, dtls::Connection& connection) {
  std::size_t size = 0;
  do {
    size = connection.poll_transmit(now, open(to, kBaseDatagram, nullptr));
    sealed_.commit(size);
  } while (size > 0);
}

void SealedBatch::seal(net::SendBatch& batch, const net::SendBatch::Run& run,
                       const net::Endpoint& to, dtls::Connection& connection) {
  const auto refuse = [&](Errc code, std::string why) {
    batch.failures().push_back({run.route, {code, std::move(why)}});
  };
  if (run.segment_size > dtls::Connection::kMaxPlaintext) {
    return refuse(Errc::kMessageTooLong,
                  std::to_string(run.segment_size) + " bytes do not fit a DTLS record of 16,384");
  }
  for (std::size_t i = 0; i < run.segments; ++i) {
    const Bytes payload = batch.packet(run, i);
    if (payload.empty()) continue;  // RFC 6347 has no record for it.
    const MutableBytes space =
        open(to, payload.size() + dtls::Connection::kMaxOverhead, &batch.failures());
    const Result<std::size_t> size = connection.seal(payload, space);
    sealed_.commit(size ? *size : 0);
    if (size) continue;
    if (size.error().code == Errc::kInvalidState) {
      return refuse(Errc::kWouldBlock,
                    "the DTLS handshake with " + to.to_string() + " is under way");
    }
    return refuse(size.error().code, size.error().message);
  }
}

void SealedBatch::flush(std::vector<net::SendBatch::Failure>* failures) {
  if (!sealed_.empty()) network_.send(sealed_);
  if (failures != nullptr) {
    for (net::SendBatch::Failure& failure : sealed_.failures()) {
      failures->push_back({{sink_, failure.route.destination, {}}, std::move(failure.error)});
    }
  }
  sealed_.clear();
}

}  // namespace floe::tls
