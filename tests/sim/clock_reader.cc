#include "tests/sim/clock_reader.h"

#include <sys/time.h>
#include <time.h>

std::int64_t read_gettimeofday() {
  timeval now{};
  gettimeofday(&now, nullptr);
  return std::int64_t{now.tv_sec} * 1'000'000 + now.tv_usec;
}

std::int64_t read_time() {
  return time(nullptr);
}
