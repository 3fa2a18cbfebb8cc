#include "floe/sdp/data_section.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "floe/core/text.h"
#include "floe/sdp/grammar.h"

namespace floe::sdp {
namespace {

/// RFC 8839 section 5.4.
constexpr std::size_t kMinUfrag = 4;
constexpr std::size_t kMinPwd = 22;
constexpr std::size_t kMaxCredential = 256;

Result<> check_credential(std::string_view line, std::string_view value, std::size_t least) {
  if (value.empty()) return fail(Errc::kMalformed, "missing " + std::string(line));
  if (value.size() < least || value.size() > kMaxCredential) {
    return fail(Errc::kMalformed, std::string(line) + " has " + std::to_string(value.size()) +
                                      " characters, not " + std::to_string(least) + " to " +
                                      std::to_string(kMaxCredential));
  }
  if (!is_ice_text(value)) {
    return fail(Errc::kMalformed, std::string(line) + " " + quoted(value) +
                                      " holds more than letters, digits, + and /");
  }
  return {};
}

/// The index of the first data section that is not rejected, or else of the first one.
std::optional<std::size_t> find_data_section(const Description& description) {
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < description.media.size(); ++i) {
    const Media& media = description.media[i];
    if (!media.is_data()) continue;
    if (!media.rejected()) return i;
    if (!found) found = i;
  }
  return found;
}

/// The section of the BUNDLE tag of the group that `media` is in, or `media` itself.
const Media& tagged_section(const Description& description, const Media& media) {
  const Group* bundle = find_bundle(description, media.mid);
  if (bundle == nullptr) return media;
  for (const std::string& mid : bundle->mids) {
    const Media* tagged = find_media(description, mid);
    if (tagged != nullptr && !tagged->rejected()) return *tagged;
  }
  return media;
}

// RFC 9143 section 7.1.3: in an answer the parameters of the tagged section count for the whole
// group; in a first offer every section has its own, except the bundle-only ones, and in a later
// offer the tagged section alone has any.
const Media& transport_section(const Description& description, const Media& media, Type type) {
  const Media& tagged = tagged_section(description, media);
  const Media& first = type == Type::kAnswer ? tagged : media;
  const Media& second = type == Type::kAnswer ? media : tagged;
  const bool is_empty = first.ice_ufrag.empty() && first.fingerprints.empty();
  return is_empty && !second.ice_ufrag.empty() ? second : first;
}

Result<Setup> read_setup(const Description& description, const Media& media, Type type) {
  const std::optional<Setup> setup = effective_setup(description, media);
  if (!setup) return fail(Errc::kMalformed, "missing a=setup");
  if (*setup == Setup::kHoldconn) {
    // RFC 8842 section 5.1.
    return fail(Errc::kMalformed, "a=setup:holdconn cannot be used with DTLS");
  }
  if (type == Type::kAnswer && *setup == Setup::kActpass) {
    return fail(Errc::kMalformed,
                "an answer must say a=setup:active or a=setup:passive, not actpass");
  }
  return *setup;
}

Result<std::uint16_t> read_sctp_port(const Media& media) {
  if (media.sctp_port) return *media.sctp_port;
  // The older form has the SCTP port for a format: m=application 9 DTLS/SCTP 5000.
  if (const auto port = parse_decimal<std::uint16_t>(media.formats.front())) return *port;
  return fail(Errc::kMalformed, "missing a=sctp-port");
}

Result<TransportParameters> read_parameters(const Description& description, const Media& media,
                                            Type type) {
  TransportParameters transport;
  transport.ufrag = effective_ufrag(description, media);
  transport.pwd = effective_pwd(description, media);
  transport.ice_options = effective_ice_options(description, media);
  transport.ice_lite = description.ice_lite;
  transport.fingerprints = effective_fingerprints(description, media);
  transport.candidates = media.candidates;
  transport.end_of_candidates = media.end_of_candidates || description.end_of_candidates;
  transport.tls_id = effective_tls_id(description, media);
  if (auto checked = check(transport); !checked) return forward(checked);
  const auto setup = read_setup(description, media, type);
  if (!setup) return forward(setup);
  transport.setup = *setup;
  return transport;
}

tl::unexpected<Error> fail_in(const Description& description, std::size_t index,
                              const Error& error) {
  return fail(error.code, section_name(description, index) + ": " + error.message);
}

Result<> check_mids(const Description& description) {
  std::unordered_map<std::string_view, std::size_t> seen;
  for (std::size_t i = 0; i < description.media.size(); ++i) {
    const std::string& mid = description.media[i].mid;
    if (mid.empty()) continue;
    const auto [known, is_new] = seen.try_emplace(mid, i);
    if (!is_new) {
      return fail(Errc::kMalformed, section_name(description, known->second) + " and " +
                                        section_name(description, i) + " have the same mid");
    }
  }
  return {};
}

Result<> check_bundles(const Description& description) {
  std::unordered_set<std::string_view> known;
  for (const Media& media : description.media) known.insert(media.mid);
  std::unordered_set<std::string_view> bundled;
  for (const Group& group : description.groups) {
    if (group.semantics != "BUNDLE") continue;
    for (const std::string& mid : group.mids) {
      if (!known.contains(mid)) {
        return fail(Errc::kMalformed,
                    "a=group:BUNDLE names mid " + quoted(mid) + ", which no section has");
      }
      if (!bundled.insert(mid).second) {
        return fail(Errc::kMalformed, "mid " + quoted(mid) + " is bundled twice");
      }
    }
  }
  return {};
}

}  // namespace

Result<> check(const TransportParameters& transport) {
  if (auto ufrag = check_credential("a=ice-ufrag", transport.ufrag, kMinUfrag); !ufrag) {
    return ufrag;
  }
  if (auto pwd = check_credential("a=ice-pwd", transport.pwd, kMinPwd); !pwd) return pwd;
  if (transport.fingerprints.empty()) return fail(Errc::kMalformed, "missing a=fingerprint");
  return {};
}

Result<> check(const Description& description) {
  if (auto mids = check_mids(description); !mids) return mids;
  return check_bundles(description);
}

Result<TransportParameters> read_transport(const Description& description, std::size_t index,
                                           Type type) {
  const Media& media = description.media.at(index);
  auto transport = read_parameters(description, transport_section(description, media, type), type);
  if (!transport) return fail_in(description, index, transport.error());
  return transport;
}

bool multiplexes_rtcp(const Description& description, const Media& media) {
  const Media& tagged = tagged_section(description, media);
  return media.rtcp_mux || media.rtcp_mux_only || tagged.rtcp_mux || tagged.rtcp_mux_only;
}

std::optional<std::size_t> transport_index(const Description& description) {
  for (std::size_t i = 0; i < description.media.size(); ++i) {
    if (description.media[i].rejected()) continue;
    const Media& tagged = tagged_section(description, description.media[i]);
    return static_cast<std::size_t>(&tagged - description.media.data());
  }
  return std::nullopt;
}

Result<RemoteData> read_data_section(const Description& description, Type type) {
  if (auto checked = check(description); !checked) return forward(checked);
  const std::optional<std::size_t> index = find_data_section(description);
  if (!index) {
    return fail(Errc::kNotFound,
                "the session description has no section m=application for data channels");
  }
  const Media& media = description.media[*index];
  RemoteData remote;
  remote.index = *index;
  remote.data.mid = media.mid;
  remote.rejected = media.rejected();
  if (remote.rejected) return remote;

  auto transport = read_transport(description, *index, type);
  if (!transport) return forward(transport);
  const auto port = read_sctp_port(media);
  if (!port) return fail_in(description, *index, port.error());
  remote.transport = std::move(*transport);
  remote.data.sctp_port = *port;
  remote.data.max_message_size = media.max_message_size.value_or(kDefaultMaxMessageSize);
  remote.sctp_init = media.sctp_init;
  return remote;
}

Result<DtlsRole> dtls_role(Setup local, Setup remote) {
  const auto is_open = [](Setup setup) { return setup == Setup::kActpass; };
  if (local == Setup::kActive && (remote == Setup::kPassive || is_open(remote))) {
    return DtlsRole::kClient;
  }
  if (local == Setup::kPassive && (remote == Setup::kActive || is_open(remote))) {
    return DtlsRole::kServer;
  }
  if (is_open(local) && remote == Setup::kPassive) return DtlsRole::kClient;
  if (is_open(local) && remote == Setup::kActive) return DtlsRole::kServer;
  return fail(Errc::kMalformed, "a=setup:" + std::string(to_string(local)) +
                                    " here and a=setup:" + std::string(to_string(remote)) +
                                    " there do not make one DTLS client and one server");
}

Result<Setup> answer_setup(Setup offered, Setup wanted) {
  if (offered == Setup::kHoldconn || wanted == Setup::kHoldconn) {
    return fail(Errc::kMalformed, "a=setup:holdconn cannot be used with DTLS");
  }
  if (offered == wanted && offered != Setup::kActpass) {
    return fail(Errc::kInvalidState, "the offer says a=setup:" + std::string(to_string(offered)) +
                                         ", which is the role this side has already");
  }
  if (wanted != Setup::kActpass) return wanted;
  // The answerer should be the client when it may choose (RFC 8829 section 5.3.1): its ClientHello
  // can leave as soon as ICE has a path, without waiting for the answer to arrive.
  return offered == Setup::kActive ? Setup::kPassive : Setup::kActive;
}

}  // namespace floe::sdp
