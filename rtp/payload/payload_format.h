#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "floe/core/bytes.h"
#include "floe/core/result.h"
#include "floe/rtp/payload/frame.h"

namespace floe::rtp {

enum class Codec : std::uint8_t {
  kRaw,  ///< Any other: each packet is a frame, and each frame a packet.
  kOpus,
  kPcmu,
  kPcma,
  kG722,
  kVp8,
  kVp9,
  kH264,
  kH265,
  kAv1,
};

/// The codec of an encoding name in a=rtpmap, in any case; kRaw for one that floe does not know.
Codec codec_of(std::string_view encoding_name);
bool is_video(Codec codec);

struct PayloadFormat {
  Codec codec = Codec::kRaw;
  /// H.264: 0 (one NAL unit a packet) or 1 (RFC 6184 section 6.2 and 6.3).
  std::uint8_t packetization_mode = 1;
  friend bool operator==(const PayloadFormat&, const PayloadFormat&) = default;
};

/// One packet of a frame.
struct Piece {
  std::size_t size = 0;  ///< Bytes of payload that were written.
  bool marker = false;
  std::uint32_t timestamp_offset = 0;  ///< To be added to the frame's timestamp.
};

/// Cuts encoded frames into payloads.
class Packetizer {
 public:
  virtual ~Packetizer() = default;

  /// Takes a frame, whose bytes stay until its last piece was written. `max_payload` is the largest
  /// payload, at least `kMinPayload`. Errors: kMalformed for bytes that are not what the codec
  /// says, kLimitExceeded for a frame that cannot be cut so small, or is larger than
  /// `kMaxFrameSize`.
  [[nodiscard]] virtual Result<> start(const FrameView& frame, std::size_t max_payload) = 0;
  /// Writes the next payload into `space`, which has `max_payload` bytes at least. Nothing once the
  /// frame is done.
  virtual std::optional<Piece> next(MutableBytes space) = 0;

  static constexpr std::size_t kMinPayload = 64;
};

/// Whether a frame begins with a payload.
enum class Begins : std::uint8_t { kNo, kYes, kMaybe };

/// What one payload tells of its frame.
struct PayloadShape {
  Begins begins = Begins::kMaybe;
  bool key_frame = false;  ///< It belongs to a key frame, as far as it can tell.
};

/// Puts received payloads together to frames.
class Depacketizer {
 public:
  virtual ~Depacketizer() = default;

  /// Nothing if the payload is malformed.
  virtual std::optional<PayloadShape> inspect(Bytes payload) const = 0;
  /// `payloads` are all of one frame's, in order, each of which `inspect` took. Sets `frame`'s
  /// payload, key_frame and codec. False if they do not fit together, or make more than
  /// `kMaxFrameSize`.
  virtual bool assemble(std::span<const Bytes> payloads, Frame& frame) = 0;
  /// Parameter sets from signalling (sprop-parameter-sets), as Annex B; ignored by other formats.
  virtual void set_parameter_sets(Bytes) {}
};

std::unique_ptr<Packetizer> make_packetizer(const PayloadFormat& format);
std::unique_ptr<Depacketizer> make_depacketizer(const PayloadFormat& format);

/// How long an audio payload plays, in units of its RTP clock: G.711, G.722 and Opus (RFC 6716
/// section 3.1). What follows has this much larger a timestamp. Nothing for other codecs, and for
/// what is malformed.
std::optional<std::uint32_t> audio_duration(Codec codec, Bytes payload);

/// Whether an encoded frame, as `FrameView::payload`, can be decoded without any other before it.
bool is_key_frame(Codec codec, Bytes payload);

}  // namespace floe::rtp
