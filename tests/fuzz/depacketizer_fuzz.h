#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "floe/core/check.h"
#include "floe/rtp/payload/payload_format.h"

// The input is a frame's payloads, each behind its size in one byte. What is put together can be
// cut again, and where the format has no choices gives the same frame.
inline int fuzz_depacketizer(floe::rtp::Codec codec, bool same_again, const std::uint8_t* data,
                             std::size_t size) {
  using namespace floe;
  using namespace floe::rtp;
  const auto depacketizer = make_depacketizer({codec});
  std::vector<Bytes> payloads;
  ByteReader reader({data, size});
  while (reader.remaining() > 0) {
    const std::size_t length = reader.u8();
    const Bytes payload = reader.bytes(length < reader.remaining() ? length : reader.remaining());
    if (depacketizer->inspect(payload)) payloads.push_back(payload);
  }
  Frame frame;
  if (!depacketizer->assemble(payloads, frame)) return 0;
  FLOE_CHECK(!frame.payload.empty() && frame.payload.size() <= kMaxFrameSize);

  const auto packetizer = make_packetizer({codec});
  constexpr std::size_t kMaxPayload = 100;
  if (!packetizer->start(frame.view(), kMaxPayload)) return 0;
  std::vector<std::vector<std::uint8_t>> pieces;
  std::vector<std::uint8_t> space(kMaxPayload);
  while (const auto piece = packetizer->next(space)) {
    FLOE_CHECK(piece->size > 0 && piece->size <= kMaxPayload);
    pieces.emplace_back(space.begin(), space.begin() + static_cast<std::ptrdiff_t>(piece->size));
  }
  const std::vector<Bytes> views(pieces.begin(), pieces.end());
  Frame again;
  const bool whole = make_depacketizer({codec})->assemble(views, again);
  FLOE_CHECK(!same_again || (whole && again.payload == frame.payload));
  return 0;
}
