#pragma once

#include <cstddef>
#include <cstdint>

#include "floe/net/endpoint.h"

namespace floe::net {

/// The few bytes a relayed or a stream path puts before each payload. `SendBatch` writes them, with
/// the payload's length, and pads where the form asks for it. A value that only names the form, so
/// that comparing the routes of two packets stays cheap.
struct Prefix {
  enum class Form : std::uint8_t {
    kNone,
    kRfc4571,         ///< RFC 4571: a 16-bit length, for packets on a stream.
    kChannelData,     ///< RFC 8656 section 12.4: channel number and length.
    kSendIndication,  ///< RFC 8656 section 11.1: a STUN message that carries the payload.
  };
  /// A Send indication to an IPv6 peer: STUN header, XOR-PEER-ADDRESS, DONT-FRAGMENT, header of
  /// DATA.
  static constexpr std::size_t kMaxSize = 20 + 24 + 4 + 4;
  /// Bytes of padding at most, behind the payload.
  static constexpr std::size_t kMaxPadding = 3;

  Form form = Form::kNone;
  bool over_stream = false;    ///< ChannelData is padded to 4 there (RFC 8656 section 12.5).
  std::uint16_t channel = 0;   ///< Of ChannelData: 0x4000..0x4fff.
  Endpoint peer;               ///< Of a Send indication.
  bool dont_fragment = false;  ///< A Send indication asks for the DF bit (RFC 8656 section 11.1).

  static Prefix rfc4571();
  /// `channel` in 0x4000..0x4fff.
  static Prefix channel_data(std::uint16_t channel, bool over_stream);
  /// For packets to `peer` as long as no channel is bound to it. Padded to 4 over UDP too.
  static Prefix send_indication(const Endpoint& peer, bool dont_fragment = false);

  /// Bytes before the payload.
  std::size_t size() const;
  /// Whether the form can say that the payload has this many bytes.
  bool can_carry(std::size_t payload_size) const;
  /// Writes what stands before and behind a payload of `payload_size` bytes that is already at
  /// `start + size()`, up to `kMaxPadding` bytes behind it; returns the size of the whole. `serial`
  /// tells Send indications apart.
  std::size_t frame(std::uint8_t* start, std::size_t payload_size, std::uint32_t serial) const;

  friend bool operator==(const Prefix& a, const Prefix& b) {
    return a.form == b.form && a.channel == b.channel && a.over_stream == b.over_stream &&
           a.dont_fragment == b.dont_fragment &&
           (a.form != Form::kSendIndication || a.peer == b.peer);
  }
};

}  // namespace floe::net
