#include <cstddef>
#include <cstdint>
#include <variant>

#include "floe/core/check.h"
#include "floe/sctp/dcep.h"

// Whatever parses can be written again, and means the same then.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace floe::sctp;
  const auto message = parse_dcep({bytes, size});
  if (!message) {
    FLOE_CHECK(message.error().code == floe::Errc::kMalformed);
    return 0;
  }
  if (std::holds_alternative<DcepAck>(*message)) {
    FLOE_CHECK(serialize(DcepAck{}).size() == size);
    return 0;
  }
  const auto& open = std::get<DcepOpen>(*message);
  const auto written = serialize(open);
  FLOE_CHECK(written && written->size() == size);
  const auto again = parse_dcep(*written);
  FLOE_CHECK(again && std::get<DcepOpen>(*again) == open);
  return 0;
}
