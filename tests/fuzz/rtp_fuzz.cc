#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "floe/core/check.h"
#include "floe/rtp/demux.h"
#include "floe/rtp/extension_map.h"
#include "floe/rtp/packet.h"
#include "floe/rtp/packet_builder.h"

// Any bytes as an RTP packet: read all of it, route it, and build it anew.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace floe;
  using namespace floe::rtp;
  static const ExtensionMap extensions = [] {
    ExtensionMap map;
    for (std::size_t i = 0; i < kExtensionTypes; ++i) {
      FLOE_CHECK(map.add(static_cast<std::uint8_t>(i + 1), static_cast<ExtensionType>(i)));
    }
    return map;
  }();
  static Demux demux = [] {
    Demux made;
    FLOE_CHECK(
        made.set_sections({{.id = 1, .mid = "0", .payload_types = {96, 97}, .rids = {"hi", "lo"}},
                           {.id = 2, .mid = "1", .payload_types = {96, 111}}}));
    return made;
  }();
  std::vector<std::uint8_t> bytes(data, data + size);
  const auto packet = Packet::parse(bytes);
  if (!packet) return 0;
  FLOE_CHECK(packet->header_size() + packet->payload().size() + packet->padding_size() == size);
  static_cast<void>(extensions.get<Mid>(*packet));
  static_cast<void>(extensions.get<AbsSendTime>(*packet));
  static_cast<void>(extensions.get<AudioLevel>(*packet));
  static_cast<void>(extensions.get<VideoOrientation>(*packet));
  static_cast<void>(extensions.get<PlayoutDelay>(*packet));
  static_cast<void>(extensions.get<DependencyDescriptor>(*packet));
  static_cast<void>(demux.route({}, *packet, extensions));
  FLOE_CHECK(demux.source_count() <= Demux::kMaxSources);

  std::array<std::uint32_t, kMaxCsrcs> csrcs;
  for (std::size_t i = 0; i < packet->csrc_count(); ++i) csrcs[i] = packet->csrc(i);
  std::vector<std::uint8_t> space(size * 2 + 16);
  PacketBuilder builder(space,
                        {.marker = packet->marker(),
                         .payload_type = packet->payload_type(),
                         .sequence_number = packet->sequence_number(),
                         .timestamp = packet->timestamp(),
                         .ssrc = packet->ssrc(),
                         .csrcs = std::span(csrcs).first(packet->csrc_count())},
                        /*mixed_extensions=*/true);
  std::vector<ExtensionElement> added;
  ExtensionReader reader = packet->extensions();
  while (const auto element = reader.next()) {
    if (builder.add_extension(element->id, element->value)) added.push_back(*element);
  }
  const Bytes payload = packet->payload();
  const MutableBytes room = builder.payload_space();
  FLOE_CHECK(room.size() >= payload.size() + packet->padding_size());
  std::copy(payload.begin(), payload.end(), room.begin());
  const std::size_t whole = builder.finish(payload.size(), packet->padding_size());
  const auto again = Packet::parse(MutableBytes(space).first(whole));
  FLOE_CHECK(again && again->ssrc() == packet->ssrc());
  FLOE_CHECK(as_text(again->payload()) == as_text(payload));
  ExtensionReader elements = again->extensions();
  for (const ExtensionElement& element : added) {
    const auto read = elements.next();
    FLOE_CHECK(read && read->id == element.id && as_text(read->value) == as_text(element.value));
  }
  FLOE_CHECK(!elements.next());
  return 0;
}
