#pragma once

#include "floe/core/time.h"

namespace floe::dtls::testing {

/// What `gettimeofday` and `time` say in this executable from now on: OpenSSL's DTLS timers read
/// them, so they run in the tests' literal time.
void set_virtual_time(Time now);

/// Sets the wall clock apart from engine time, as somebody does who corrects it.
void set_wall_clock_offset(Duration offset);

}  // namespace floe::dtls::testing
