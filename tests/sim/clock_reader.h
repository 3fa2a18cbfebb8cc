#pragma once

#include <cstdint>

// In a shared library of its own, as OpenSSL and usrsctp are.

/// Microseconds since 1970.
std::int64_t read_gettimeofday();
/// Seconds since 1970.
std::int64_t read_time();
