#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "floe/core/result.h"
#include "floe/sdp/data_section.h"
#include "floe/sdp/description.h"
#include "floe/sdp/rtp_section.h"

namespace floe::sdp {

/// The numbers of the "o=" line. `id` is drawn once per session, below 2^63 - 1; `version` grows by
/// one with every changed description (RFC 8829 section 5.2.2).
struct Session {
  std::uint64_t id = 0;
  std::uint64_t version = 0;
};

using Section = std::variant<RtpSection, DataSection>;
const std::string& mid_of(const Section& section);

/// RFC 8829 section 4.1.1: which sections of a first offer make no sense without BUNDLE.
enum class BundlePolicy : std::uint8_t {
  kBalanced,   ///< All but the first of each media type.
  kMaxCompat,  ///< None.
  kMaxBundle,  ///< All but the first.
};

struct OfferPlan {
  Session session;
  /// One for all: every offer of more than one section bundles them. `setup` should be `kActpass`,
  /// in the first offer and in all later ones (RFC 8842 section 5.5).
  TransportParameters transport;
  /// The sections that live, each with a mid of its own; new ones come in the order given.
  std::vector<Section> sections;
  BundlePolicy bundle_policy = BundlePolicy::kBalanced;
  /// The descriptions last agreed on, or null before there are any.
  const Description* local = nullptr;
  const Description* remote = nullptr;
};

/// An offer (RFC 8829 section 5.2). Sections keep their places: one whose mid the plan does not
/// name is refused; a new one goes where both sides have seen a refusal before, or else to the end.
/// Payload types and extension ids go on meaning what they meant.
[[nodiscard]] Result<Description> create_offer(const OfferPlan& plan);

// The lines that offers and answers write alike.

[[nodiscard]] Result<> check_local(const TransportParameters& local);
/// The lines before the sections.
Description new_description(const Session& session, const TransportParameters& local,
                            std::vector<std::string> ice_options);
/// The refusal of `media` (RFC 3264 section 6): the same line with port 0, and nothing to say.
Media refusal(const Media& media);
/// An accepted data section in the form of RFC 8841, without its transport.
Media data_media(const DataSection& data);
/// Writes the transport's lines. Candidates only `with_candidates`.
void set_transport(Media& media, const TransportParameters& local, Setup setup,
                   bool with_candidates);

}  // namespace floe::sdp
