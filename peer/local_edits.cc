#include "floe/peer/local_edits.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "floe/core/text.h"
#include "floe/sdp/codec_match.h"

namespace floe {
namespace {

tl::unexpected<Error> changed(const std::string& where, std::string_view what) {
  return fail(Errc::kInvalidModification,
              where + std::string(what) + " cannot be changed in a description of one's own");
}

Result<> check_transport(const sdp::Description& made, const sdp::Description& edited,
                         std::size_t i, const std::string& where) {
  const sdp::Media& before = made.media[i];
  const sdp::Media& after = edited.media[i];
  if (sdp::effective_ufrag(made, before) != sdp::effective_ufrag(edited, after)) {
    return changed(where, "a=ice-ufrag");
  }
  if (sdp::effective_pwd(made, before) != sdp::effective_pwd(edited, after)) {
    return changed(where, "a=ice-pwd");
  }
  if (sdp::effective_fingerprints(made, before) != sdp::effective_fingerprints(edited, after)) {
    return changed(where, "a=fingerprint");
  }
  if (sdp::effective_setup(made, before) != sdp::effective_setup(edited, after)) {
    return changed(where, "a=setup");
  }
  if (sdp::effective_tls_id(made, before) != sdp::effective_tls_id(edited, after)) {
    return changed(where, "a=tls-id");
  }
  return {};
}

Result<> check_codecs(const sdp::Media& before, const sdp::Media& after, const std::string& where) {
  const auto known = sdp::usable_codecs(before);
  for (const std::string& format : after.formats) {
    if (std::find(before.formats.begin(), before.formats.end(), format) == before.formats.end()) {
      return fail(Errc::kInvalidModification,
                  where + "payload type " + quoted(format) + " was not there before");
    }
  }
  const auto codecs = sdp::usable_codecs(after);
  for (const sdp::Codec& codec : codecs) {
    const auto same = std::find_if(known.begin(), known.end(), [&](const sdp::Codec& other) {
      return other.payload_type == codec.payload_type;
    });
    if (same == known.end() || same->rtpmap != codec.rtpmap) {
      return changed(where, "a=rtpmap:" + std::to_string(codec.payload_type));
    }
  }
  if (std::all_of(codecs.begin(), codecs.end(), sdp::is_auxiliary)) {
    return fail(Errc::kInvalidModification, where + "no codec that carries media is left");
  }
  return {};
}

Result<> check_rtp(const sdp::Description& made, const sdp::Description& edited, std::size_t i,
                   const std::string& where) {
  const sdp::Media& before = made.media[i];
  const sdp::Media& after = edited.media[i];
  if (before.rtcp_mux != after.rtcp_mux) return changed(where, "a=rtcp-mux");
  if (sdp::effective_direction(made, before) != sdp::effective_direction(edited, after)) {
    return fail(Errc::kInvalidModification,
                where + "the direction cannot be changed here: use RtpTransceiver::set_direction");
  }
  for (const sdp::Extmap& extmap : after.extmaps) {
    if (std::find(before.extmaps.begin(), before.extmaps.end(), extmap) == before.extmaps.end()) {
      return fail(Errc::kInvalidModification,
                  where + "a=extmap:" + std::to_string(extmap.id) + " was not there before");
    }
  }
  return check_codecs(before, after, where);
}

Result<> check_section(const sdp::Description& made, const sdp::Description& edited,
                       std::size_t i) {
  const std::string where = "the local description's " + sdp::section_name(made, i) + ": ";
  const sdp::Media& before = made.media[i];
  const sdp::Media& after = edited.media[i];
  if (before.media != after.media) return changed(where, "the kind of its m= line");
  if (before.mid != after.mid) return changed(where, "a=mid");
  if (before.protocol != after.protocol) return changed(where, "the protocol of its m= line");
  if (before.rejected() != after.rejected() || before.bundle_only != after.bundle_only) {
    return fail(Errc::kInvalidModification,
                where + "port 0 cannot be put here: use RtpTransceiver::stop");
  }
  if (before.rejected()) return {};
  if (auto ok = check_transport(made, edited, i, where); !ok) return ok;
  if (!before.is_data()) return check_rtp(made, edited, i, where);
  if (before.formats != after.formats) return changed(where, "the format of its m= line");
  if (before.sctp_port != after.sctp_port) return changed(where, "a=sctp-port");
  if (before.max_message_size != after.max_message_size) {
    return fail(Errc::kInvalidModification,
                where + "a=max-message-size is Configuration::max_message_size");
  }
  return {};
}

}  // namespace

Result<> check_edits(const sdp::Description& made, const sdp::Description& edited) {
  if (made.media.size() != edited.media.size()) {
    return fail(Errc::kInvalidModification,
                "the local description has " + std::to_string(edited.media.size()) +
                    " sections, but was made with " + std::to_string(made.media.size()));
  }
  if (made.groups != edited.groups) return changed("", "the local description's a=group");
  if (made.ice_lite != edited.ice_lite) return changed("", "the local description's a=ice-lite");
  if (made.origin.session_id != edited.origin.session_id) {
    return changed("", "the session id of the local description's o= line");
  }
  for (std::size_t i = 0; i < made.media.size(); ++i) {
    if (auto ok = check_section(made, edited, i); !ok) return ok;
  }
  return {};
}

}  // namespace floe
