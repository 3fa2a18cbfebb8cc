#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "floe/core/result.h"
#include "floe/sdp/description.h"

namespace floe::sdp {

/// An SDP fragment for trickling and for ICE restarts (RFC 8840 section 9, media type
/// application/trickle-ice-sdpfrag). All of its sections have the same credentials, because they
/// are bundled.
struct Fragment {
  struct Section {
    std::string media = "audio 9 UDP/TLS/RTP/SAVPF 0";  ///< What follows "m=".
    std::string mid;                      ///< Empty where the fragment names no section.
    std::vector<std::string> candidates;  ///< As in `Media::candidates`.
    bool end_of_candidates = false;
    bool operator==(const Section&) const = default;
  };

  std::string ice_ufrag;  ///< Empty if the fragment has none; then `ice_pwd` is too.
  std::string ice_pwd;
  std::vector<std::string> ice_options;
  bool ice_lite = false;
  std::vector<std::string> bundle;  ///< The mids of the BUNDLE group, the tagged one first.
  std::vector<Section> sections;

  /// Total, as `sdp::parse` is, and as lenient: candidates before any "m=" line make a section
  /// without a mid.
  [[nodiscard]] static Result<Fragment> parse(std::string_view text);
  /// What `description` says of its transport: the section that is tagged in its BUNDLE group, or
  /// the first that is not refused.
  static Fragment of(const Description& description);

  std::string to_string() const;
  /// Puts these credentials into the place of those of `description`, and these candidates into
  /// that of all it had.
  void apply_to(Description& description) const;
  bool operator==(const Fragment&) const = default;
};

/// The largest fragment that is looked at: several hundred candidates.
inline constexpr std::size_t kMaxFragmentSize = 64 * 1024;

}  // namespace floe::sdp
