#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "floe/core/bytes.h"
#include "floe/core/random.h"
#include "floe/core/time.h"
#include "floe/sctp/association.h"
#include "floe/sctp/data_channels.h"
#include "tests/sctp/virtual_time.h"

namespace floe::sctp::test {

using std::chrono::milliseconds;
using std::chrono::seconds;

// RFC 9260 section 3.2 and its extensions
enum Chunk : std::uint8_t {
  kData = 0,
  kInit = 1,
  kInitAck = 2,
  kSack = 3,
  kAbort = 6,
  kShutdown = 7,
  kShutdownAck = 8,
  kCookieEcho = 10,
  kCookieAck = 11,
  kShutdownComplete = 14,
  kReconfig = 130,
  kForwardTsn = 192,
};

inline std::vector<std::uint8_t> chunks_of(Bytes packet) {
  std::vector<std::uint8_t> types;
  ByteReader reader(packet);
  reader.skip(12);
  while (reader.remaining() >= 4) {
    types.push_back(reader.u8());
    reader.skip(1);
    const std::size_t length = reader.u16();
    if (length < 4) break;
    reader.skip(std::min((length + 3) / 4 * 4 - 4, reader.remaining()));
  }
  return types;
}

inline bool has_chunk(Bytes packet, Chunk type) {
  const auto types = chunks_of(packet);
  return std::find(types.begin(), types.end(), type) != types.end();
}

/// Two engines and the path between them, in virtual time, everything drawn from one seed.
template <typename Engine>
class Pipe {
 public:
  using Event = typename Engine::Event;
  struct Path {
    Duration delay = milliseconds(10);
    Duration jitter{0};  ///< Uniform on top of the delay; more than the spacing reorders.
    double loss = 0;
    double duplicate = 0;
  };
  enum Side { kA = 0, kB = 1 };

  Pipe(typename Engine::Config a, typename Engine::Config b, std::uint64_t seed = 1)
      : a(std::move(a)), b(std::move(b)), random_(seed) {
    set_wall_clock(now);
  }

  Engine& engine(Side side) { return side == kA ? a : b; }

  /// Goes on until `done` or for `limit`; false if it ran out of time.
  bool run(Duration limit, const std::function<bool()>& done) {
    const Time end = now + limit;
    while (true) {
      settle();
      if (done()) return true;
      const Time next = std::min({a.next_timeout(), b.next_timeout(), first_arrival()});
      if (next > end) {
        now = end;
        set_wall_clock(now);
        return done();
      }
      now = std::max(now, next);
      set_wall_clock(now);
      deliver();
      for (const Side side : {kA, kB}) {
        if (engine(side).next_timeout() > now) continue;
        engine(side).handle_timeout(now);
      }
      ++steps;
    }
  }
  void run(Duration time) {
    run(time, [] { return false; });
  }
  /// The time passes without anybody noticing (a laptop that slept).
  void jump(Duration time) {
    now += time;
    set_wall_clock(now);
  }

  template <typename T>
  std::vector<T> all(Side side) const {
    std::vector<T> found;
    for (const Event& event : events[side]) {
      if (const T* match = std::get_if<T>(&event)) found.push_back(*match);
    }
    return found;
  }
  template <typename T>
  std::size_t count(Side side) const {
    return static_cast<std::size_t>(
        std::count_if(events[side].begin(), events[side].end(),
                      [](const Event& event) { return std::holds_alternative<T>(event); }));
  }

  Time now{Duration(seconds(1000))};
  Engine a;
  Engine b;
  Path path;
  std::array<std::vector<Event>, 2> events;
  std::array<bool, 2> reads{true, true};  ///< False: an application that does not poll events.
  /// Sees every packet before the path; returns true to drop it.
  std::function<bool(Side from, Bytes packet)> drop;
  std::function<void(Side at, const Event& event)> on_event;
  std::array<std::size_t, 2> packets{};
  std::size_t largest_packet = 0;
  std::size_t steps = 0;

 private:
  void settle() {
    for (bool busy = true; busy;) {
      busy = false;
      for (const Side side : {kA, kB}) {
        while (const auto packet = engine(side).poll_transmit(now)) {
          busy = true;
          send(side, *packet);
        }
        while (reads[side]) {
          auto event = engine(side).poll_event(now);
          if (!event) break;
          busy = true;
          events[side].push_back(*event);
          if (on_event) on_event(side, *event);
        }
      }
    }
  }
  void send(Side from, Bytes packet) {
    ++packets[from];
    largest_packet = std::max(largest_packet, packet.size());
    if (drop && drop(from, packet)) return;
    if (random_.unit() < path.loss) return;
    const int copies = random_.unit() < path.duplicate ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
      const Duration extra(
          static_cast<std::int64_t>(random_.unit() * static_cast<double>(path.jitter.count())));
      in_flight_.emplace(now + path.delay + extra,
                         std::pair(from == kA ? kB : kA, to_vector(packet)));
    }
  }
  Time first_arrival() const { return in_flight_.empty() ? kNever : in_flight_.begin()->first; }
  void deliver() {
    while (!in_flight_.empty() && in_flight_.begin()->first <= now) {
      const auto [side, packet] = std::move(in_flight_.extract(in_flight_.begin()).mapped());
      engine(side).handle_packet(now, packet);
    }
  }

  SeededRandom random_;
  std::multimap<Time, std::pair<Side, std::vector<std::uint8_t>>> in_flight_;
};

using Associations = Pipe<Association>;
using Channels = Pipe<DataChannels>;

inline std::vector<std::uint8_t> pattern(std::size_t size, std::uint8_t seed = 0) {
  std::vector<std::uint8_t> bytes(size);
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<std::uint8_t>(i * 31 + (i >> 8) * 7 + seed);
  }
  return bytes;
}

inline Association::Config small_association() {
  Association::Config config;
  config.outgoing_streams = config.incoming_streams = 64;
  return config;
}

/// Both sides connect at once and are up.
inline bool connect(Associations& pipe) {
  if (!pipe.a.connect(pipe.now) || !pipe.b.connect(pipe.now)) return false;
  return pipe.run(seconds(60), [&] {
    return pipe.a.state() == Association::State::kConnected &&
           pipe.b.state() == Association::State::kConnected;
  });
}

inline DataChannels::Config small_channels() {
  DataChannels::Config config;
  config.association = small_association();
  return config;
}

/// A is the DTLS client.
inline bool connect(Channels& pipe) {
  pipe.a.set_dtls_role(DtlsRole::kClient);
  pipe.b.set_dtls_role(DtlsRole::kServer);
  if (!pipe.a.connect(pipe.now) || !pipe.b.connect(pipe.now)) return false;
  return pipe.run(seconds(60), [&] {
    return pipe.count<DataChannels::Connected>(Channels::kA) == 1 &&
           pipe.count<DataChannels::Connected>(Channels::kB) == 1;
  });
}

}  // namespace floe::sctp::test
