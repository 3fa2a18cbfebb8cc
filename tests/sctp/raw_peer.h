#pragma once

#include <algorithm>
#include <vector>

#include "floe/sctp/dcep.h"
#include "tests/sctp/pipe.h"

namespace floe::sctp::test {

/// DataChannels as DTLS client against a bare association that says what the test tells it to.
class RawPeer {
 public:
  explicit RawPeer(DataChannels::Config config = small_channels())
      : channels(config), raw(small_association()) {
    set_wall_clock(now);
    channels.set_dtls_role(DtlsRole::kClient);
  }

  bool connect() {
    if (!channels.connect(now) || !raw.connect(now)) return false;
    return run(seconds(5), [&] {
      return count<DataChannels::Connected>() == 1 && raw.state() == Association::State::kConnected;
    });
  }
  bool run(Duration limit, const std::function<bool()>& done) {
    const Time end = now + limit;
    while (true) {
      exchange();
      if (done()) return true;
      const Time next = std::min(channels.next_timeout(), raw.next_timeout());
      if (next > end) {
        now = end;
        set_wall_clock(now);
        return done();
      }
      now = std::max(now, next);
      set_wall_clock(now);
      channels.handle_timeout(now);
      raw.handle_timeout(now);
    }
  }
  void send(StreamId stream, std::uint32_t ppid, std::vector<std::uint8_t> bytes,
            SendOptions options = {}) {
    (void)raw.send(now, stream, ppid, bytes, options);
  }
  void open(StreamId stream) { send(stream, 50, *serialize(DcepOpen{})); }
  void reset(StreamId stream) { (void)raw.reset_streams(now, std::span(&stream, 1)); }

  bool has_ack(StreamId stream) const {
    return std::any_of(messages.begin(), messages.end(), [&](const auto& message) {
      return message.stream == stream && message.ppid == 50 && message.payload.size() == 1;
    });
  }
  bool streams_reset_by_us(StreamId stream) const {
    return std::find(reset_streams.begin(), reset_streams.end(), stream) != reset_streams.end();
  }
  template <typename T>
  std::vector<T> all() const {
    std::vector<T> found;
    for (const auto& event : events) {
      if (const T* match = std::get_if<T>(&event)) found.push_back(*match);
    }
    return found;
  }
  template <typename T>
  std::size_t count() const {
    return all<T>().size();
  }

  Time now{Duration(seconds(1000))};
  DataChannels channels;
  Association raw;
  std::vector<DataChannels::Event> events;
  std::vector<Association::Message> messages;  ///< That the raw side received.
  std::vector<StreamId> reset_streams;         ///< By DataChannels.

 private:
  void exchange() {
    for (bool busy = true; busy;) {
      busy = false;
      while (const auto packet = channels.poll_transmit(now)) {
        busy = true;
        raw.handle_packet(now, to_vector(*packet));
      }
      while (const auto packet = raw.poll_transmit(now)) {
        busy = true;
        channels.handle_packet(now, to_vector(*packet));
      }
      while (auto event = channels.poll_event(now)) {
        busy = true;
        events.push_back(*event);
      }
      while (auto event = raw.poll_event(now)) {
        busy = true;
        if (auto* message = std::get_if<Association::Message>(&*event))
          messages.push_back(*message);
        if (auto* reset = std::get_if<Association::StreamsReset>(&*event)) {
          if (reset->direction == Association::StreamsReset::Direction::kIncoming) {
            reset_streams.insert(reset_streams.end(), reset->streams.begin(), reset->streams.end());
          }
        }
      }
    }
  }
};

}  // namespace floe::sctp::test
