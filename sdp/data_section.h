#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "floe/core/result.h"
#include "floe/sdp/description.h"

namespace floe::sdp {

/// RFC 8841 section 6.1: what counts when `a=max-message-size` is absent.
inline constexpr std::uint64_t kDefaultMaxMessageSize = 65'536;
/// The SCTP port that every implementation uses over DTLS.
inline constexpr std::uint16_t kDefaultSctpPort = 5'000;

/// Which part a description plays (RFC 3264); a provisional answer is an answer here.
enum class Type : std::uint8_t { kOffer, kAnswer };

/// One side's ICE and DTLS parameters of one transport.
struct TransportParameters {
  std::string ufrag;
  std::string pwd;
  std::vector<std::string> ice_options;  ///< "trickle", "ice2", "renomination", ...
  bool ice_lite = false;
  std::vector<Fingerprint> fingerprints;
  Setup setup = Setup::kActpass;
  std::vector<std::string> candidates;  ///< As in `Media::candidates`.
  bool end_of_candidates = false;
  std::string tls_id;  ///< RFC 8842; empty: none.
  bool operator==(const TransportParameters&) const = default;
};

/// One side's part of an SCTP association for data channels.
struct DataSection {
  std::string mid = "0";
  std::uint16_t sctp_port = kDefaultSctpPort;  ///< 0: no association (RFC 8841 section 9.3).
  std::uint64_t max_message_size = kDefaultMaxMessageSize;  ///< Bytes it takes; 0: any size.
  bool operator==(const DataSection&) const = default;
};

/// What a remote description says about data channels.
struct RemoteData {
  std::size_t index = 0;  ///< Of the section in `Description::media`.
  /// The section is refused or switched off; only `index` and `data.mid` mean anything.
  bool rejected = false;
  TransportParameters transport;
  DataSection data;       ///< `mid` is empty when the peer does not use mids.
  std::string sctp_init;  ///< The value of `a=sctp-init`; empty: none.
  bool operator==(const RemoteData&) const = default;
};

/// Whether ICE credentials are there and of legal length and characters (RFC 8839 section 5.4), and
/// at least one fingerprint. Names the first line that is missing or wrong.
[[nodiscard]] Result<> check(const TransportParameters& transport);

/// What must hold in every description: mids differ from one another, a BUNDLE group names sections
/// that exist, and no section is in two of them (RFC 5888 section 9, RFC 9143 section 7).
[[nodiscard]] Result<> check(const Description& description);

/// Reads the data section of a remote description and requires what RFC 8829 section 5.8.3
/// requires: ICE credentials of legal length, a fingerprint, an `a=setup` that is legal for the
/// type, and an SCTP port. Calls `check` first. Parameters of a bundled section come from the
/// section of the BUNDLE tag, as RFC 9143 section 7.1.3 has it.
///
/// Of several data sections the first that is not rejected is read. `Errc::kNotFound` when the
/// description has no data section at all; `Errc::kMalformed` names the missing line and its
/// section.
[[nodiscard]] Result<RemoteData> read_data_section(const Description& description, Type type);

/// The ICE and DTLS parameters that count for section `index`: with BUNDLE those of the tagged
/// section where it has none of its own, and in answers always (RFC 9143 section 7.1.3). Requires
/// what RFC 8829 section 5.8.3 requires; `Errc::kMalformed` names the line and the section.
[[nodiscard]] Result<TransportParameters> read_transport(const Description& description,
                                                         std::size_t index, Type type);

/// Whether a section has `a=rtcp-mux`, its own or that of its BUNDLE group's tag: like all lines of
/// the transport it may stand there alone.
bool multiplexes_rtcp(const Description& description, const Media& media);

/// The section whose transport an answer settles on: that of the BUNDLE tag, or else the first one
/// that is accepted; nothing when all are refused.
std::optional<std::size_t> transport_index(const Description& description);

enum class DtlsRole : std::uint8_t { kClient, kServer };

/// The local DTLS role once both sides have said their `a=setup` (RFC 8842 section 5): the active
/// one is the client. Fails when the two do not make one client and one server.
[[nodiscard]] Result<DtlsRole> dtls_role(Setup local, Setup remote);

/// The `a=setup` of an answer to an offer of `offered` (RFC 4145 section 4.1, RFC 8829 section
/// 5.3.1). `wanted` is `kActive` or `kPassive` when the role is settled already (it must not change
/// within a DTLS association) or preferred, `kActpass` when it does not matter.
[[nodiscard]] Result<Setup> answer_setup(Setup offered, Setup wanted);

}  // namespace floe::sdp
