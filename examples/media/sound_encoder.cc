#include "examples/media/sound_encoder.h"

#include <opus.h>

#include <string>

namespace media {

using floe::Errc;
using floe::Result;

namespace {

// RFC 6716 section 3.2.1: no frame of Opus is larger.
constexpr std::size_t kMaxFrame = 1275;

}  // namespace

void SoundEncoder::Destroy::operator()(OpusEncoder* encoder) const {
  opus_encoder_destroy(encoder);
}

Result<std::unique_ptr<SoundEncoder>> SoundEncoder::create(int bits_per_second) {
  int error = OPUS_OK;
  OpusEncoder* encoder = opus_encoder_create(kRate, 1, OPUS_APPLICATION_AUDIO, &error);
  if (error != OPUS_OK) {
    return floe::fail(Errc::kInternal,
                      std::string("libopus cannot begin: ") + opus_strerror(error));
  }
  opus_encoder_ctl(encoder, OPUS_SET_BITRATE(bits_per_second));
  // Packets repeat the one before in a coarse form, for the receiver that lost it.
  opus_encoder_ctl(encoder, OPUS_SET_INBAND_FEC(1));
  opus_encoder_ctl(encoder, OPUS_SET_PACKET_LOSS_PERC(5));
  return std::unique_ptr<SoundEncoder>(new SoundEncoder(encoder));
}

Result<std::vector<std::uint8_t>> SoundEncoder::encode(std::span<const std::int16_t> samples) {
  std::vector<std::uint8_t> packet(kMaxFrame);
  const auto size = opus_encode(encoder_.get(), samples.data(), static_cast<int>(samples.size()),
                                packet.data(), static_cast<opus_int32>(packet.size()));
  if (size < 0) {
    return floe::fail(Errc::kInternal,
                      std::string("libopus cannot encode: ") + opus_strerror(size));
  }
  packet.resize(static_cast<std::size_t>(size));
  return packet;
}

}  // namespace media
