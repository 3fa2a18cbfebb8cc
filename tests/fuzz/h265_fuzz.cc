#include "depacketizer_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz_depacketizer(floe::rtp::Codec::kH265, /*same_again=*/false, data, size);
}
