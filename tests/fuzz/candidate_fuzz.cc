// Candidate lines from anywhere: parsing is total, and what parses survives being written.
#include <cstdint>
#include <string>

#include "floe/core/bytes.h"
#include "floe/core/check.h"
#include "floe/ice/candidate.h"
#include "floe/ice/server.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = floe::as_text({data, size});
  if (const auto candidate = floe::ice::Candidate::parse(text)) {
    const auto again = floe::ice::Candidate::parse(candidate->to_string());
    FLOE_CHECK(again.has_value());
    FLOE_CHECK(*again == *candidate);
  }
  if (const auto server = floe::ice::Server::parse(text)) {
    const auto again = floe::ice::Server::parse(server->to_string());
    FLOE_CHECK(again.has_value());
    FLOE_CHECK(*again == *server);
  }
  return 0;
}
