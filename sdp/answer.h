#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "floe/core/result.h"
#include "floe/sdp/offer.h"

namespace floe::sdp {

struct AnswerPlan {
  Session session;
  /// `setup` is the wish or the settled role, see `answer_setup`. ICE options are those that both
  /// sides have, the tls-id is left out if the offer has none.
  TransportParameters transport;
  /// What we have for each section of the offer; nothing refuses it. Mids are the offer's.
  std::vector<std::optional<Section>> sections;
};

/// A section of the offer that the answer refuses, though the plan has something for it.
struct Refusal {
  std::size_t index = 0;
  std::string reason;
  bool operator==(const Refusal&) const = default;
};

struct Answer {
  Description description;
  std::vector<Refusal> refusals;
};

/// The answer to `offer` (RFC 8829 section 5.3), which accepts the sections of the plan that go
/// over one transport: the BUNDLE group of the data section if there is one, else of the first
/// section that can be accepted. All others are refused in their places. Data is answered in
/// today's or in the older form, its `sctp_port` becomes 0 if the offer's is 0 (RFC 8841
/// section 10.3).
///
/// The first section of the group that is accepted and stands on its own becomes the tag; when none
/// does, the whole group is refused (RFC 9143 section 7.3.1). Errors are what `check` and
/// `read_transport` have against the offer, and setup roles that do not fit.
[[nodiscard]] Result<Answer> create_answer(const Description& offer, const AnswerPlan& plan);

}  // namespace floe::sdp
