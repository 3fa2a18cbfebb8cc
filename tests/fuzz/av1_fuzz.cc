#include "depacketizer_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz_depacketizer(floe::rtp::Codec::kAv1, /*same_again=*/true, data, size);
}
