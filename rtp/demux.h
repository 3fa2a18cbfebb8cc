#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "floe/core/result.h"
#include "floe/core/time.h"
#include "floe/rtp/extension_map.h"
#include "floe/rtp/packet.h"
#include "floe/rtp/sequence_number.h"

namespace floe::rtp {

/// Why an RTP packet belongs to nobody.
enum class DemuxDrop : std::uint8_t {
  kUnknownMid,          ///< A mid that no section has (RFC 9143 section 9.2).
  kUnknownRid,          ///< A rid that its section did not announce.
  kUnknownPayloadType,  ///< A payload type that its section does not have.
  kUnknownStream,       ///< No mid, an unknown SSRC, and no payload type that tells the section.
};
inline constexpr std::size_t kDemuxDrops = 4;
std::string_view to_string(DemuxDrop reason);

/// Where an RTP packet belongs.
struct StreamKey {
  std::uint32_t section = 0;  ///< `Demux::Section::id`.
  std::uint32_t ssrc = 0;     ///< The packet's own.
  std::string_view rid{};  ///< Of the encoding; empty without simulcast. Valid until the next call.
  /// A repair stream (RTX): of the encoding `rid`, or of the source `repaired`, if that is known.
  bool repair = false;
  std::optional<std::uint32_t> repaired{};
};

/// Tells which m= section and encoding each RTP stream of a BUNDLE group belongs to (RFC 9143
/// section 9.2, RFC 8852): by mid and rid where a packet brings them, then by what was learned or
/// signalled about its SSRC, then by a payload type that one section alone has.
class Demux {
 public:
  /// What is received in one m= section.
  struct Section {
    std::uint32_t id = 0;  ///< The caller's own; unique.
    std::string mid{};
    std::vector<std::uint8_t> payload_types{};
    std::vector<std::uint8_t> repair_payload_types{};  ///< Those of them that are RTX.
    std::vector<std::string> rids{};                   ///< Of a=rid lines with "send".
    struct Source {
      std::uint32_t ssrc = 0;
      std::optional<std::uint32_t> repairs{};  ///< From a=ssrc-group:FID.
    };
    std::vector<Source> sources{};  ///< Of a=ssrc lines.
  };

  /// SSRCs with an entry. A peer that keeps inventing others only makes the least used learned one
  /// be forgotten; a forwarding server's conference has some hundreds.
  static constexpr std::size_t kMaxSources = 1024;
  /// An m= section costs signalling, so more is a mistake.
  static constexpr std::size_t kMaxSections = 1024;

  /// Replaces all sections, when a description was applied. What was learned about SSRCs stays if
  /// their section does. Errors: kInvalidArgument if an id, a mid or an SSRC stands twice, or there
  /// are too many.
  [[nodiscard]] Result<> set_sections(std::vector<Section> sections);

  /// The stream of a packet that came, learning its SSRC; nothing if it is dropped.
  std::optional<StreamKey> route(Time now, const Packet& packet, const ExtensionMap& extensions);

  /// For RTCP: the section an SSRC of the peer belongs to.
  std::optional<std::uint32_t> section_of(std::uint32_t ssrc) const;
  /// An RTCP SDES item told a stream's mid.
  void learn_mid(Time now, std::uint32_t ssrc, std::string_view mid);
  /// The peer said BYE for this SSRC.
  void forget(std::uint32_t ssrc) { sources_.erase(ssrc); }

  std::uint64_t dropped(DemuxDrop reason) const {
    return dropped_[static_cast<std::size_t>(reason)];
  }
  std::size_t source_count() const { return sources_.size(); }

 private:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  struct Source {
    std::size_t section = kNone;  // index into sections_
    std::string rid;
    bool repair = false;
    bool signalled = false;
    std::optional<std::uint32_t> repaired;
    SequenceUnwrapper sequence;
    std::optional<std::int64_t> mid_updated;  // the sequence number that brought the mid
    Time used{};
  };

  std::size_t section_with_mid(std::string_view mid) const;
  Source& source_for(Time now, std::uint32_t ssrc);
  std::optional<StreamKey> drop(DemuxDrop reason);

  std::vector<Section> sections_;
  std::unordered_map<std::string, std::size_t> by_mid_;
  std::array<std::size_t, 128> by_payload_type_ = filled();  // kNone: of none, or of several
  std::unordered_map<std::uint32_t, Source> sources_;
  std::array<std::uint64_t, kDemuxDrops> dropped_{};

  static constexpr std::array<std::size_t, 128> filled() {
    std::array<std::size_t, 128> all{};
    for (std::size_t& one : all) one = kNone;
    return all;
  }
};

}  // namespace floe::rtp
