#pragma once

#include "floe/core/time.h"

namespace floe::sctp::test {

/// usrsctp reads the wall clock; in this executable it reads this.
void set_wall_clock(Time now);

}  // namespace floe::sctp::test
