#pragma once

#include "floe/core/bytes.h"

namespace floe::sctp::internal {

/// True if the lengths of all chunks, and of the parameters in those chunks that have any, add up.
/// usrsctp 0.9.5 walks the parameters of an INIT up to the end of the packet and never leaves one
/// of length zero, so a peer could hang the process; nothing with such a length gets that far.
bool is_well_formed(Bytes packet);

}  // namespace floe::sctp::internal
