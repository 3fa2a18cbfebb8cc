#pragma once

#include <cstdint>

#include "floe/core/result.h"
#include "floe/sdp/data_section.h"
#include "floe/sdp/description.h"

namespace floe::sdp {

/// The numbers of the "o=" line. `id` is drawn once per session, below 2^63 - 1; `version` grows by
/// one with every description made (RFC 8829 section 5.2.2).
struct Session {
  std::uint64_t id = 0;
  std::uint64_t version = 0;
};

/// An offer of data channels alone (RFC 8829 section 5.2). `transport.setup` should be `kActpass`,
/// in the first offer and in all later ones (RFC 8842 section 5.5).
///
/// `previous` is the description last agreed on, local or remote, or null before there is one. The
/// new offer has its sections in the same order: the section with `data.mid` stays in its place,
/// all others are refused. If no section has that mid, the first refused one is recycled, or else a
/// section is added at the end.
[[nodiscard]] Result<Description> create_data_offer(const Session& session,
                                                    const TransportParameters& transport,
                                                    const DataSection& data,
                                                    const Description* previous = nullptr);

/// The answer to `offer` (RFC 8829 section 5.3): accepts its first acceptable data section, in
/// today's or in the older form, and refuses every other section in its place. All are refused if
/// no data section is acceptable.
///
/// `local.setup` is the wish or the settled role, see `answer_setup`. ICE options are those that
/// both sides have, the tls-id is left out if the offer has none. `data.mid` is not used: it is the
/// offer's. `data.sctp_port` becomes 0 if the offer's is 0 (RFC 8841 section 10.3).
///
/// A data section that has no transport of its own (it is bundle-only, or bundled into a section
/// that is refused here) cannot be accepted, see RFC 9143 section 7.3.1: `Errc::kUnsupported`.
/// Whatever `read_data_section` has against the offer is an error here too.
[[nodiscard]] Result<Description> create_answer(const Description& offer, const Session& session,
                                                const TransportParameters& local,
                                                const DataSection& data);

/// Calls `check`, then: whether `answer` fits `offer` section by section (RFC 3264 section 6, RFC
/// 9143 section 7.4): as many sections, of the same media, protocol and mid, nothing revived,
/// nothing newly bundled.
[[nodiscard]] Result<> check_answer(const Description& offer, const Description& answer);

/// Calls `check`, then: whether `offer` continues the session of `previous` (RFC 3264 section 8):
/// no section is missing, and each keeps its media and mid unless it was refused before and is
/// recycled now.
[[nodiscard]] Result<> check_subsequent_offer(const Description& previous,
                                              const Description& offer);

}  // namespace floe::sdp
