#include "floe/whip/protocol.h"

namespace floe::whip {

std::string_view to_string(Protocol protocol) {
  return protocol == Protocol::kWhip ? "WHIP" : "WHEP";
}

}  // namespace floe::whip
