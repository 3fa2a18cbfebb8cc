#include "floe/sdp/writer.h"

#include <concepts>
#include <string_view>
#include <utility>

namespace floe::sdp {
namespace {

class Writer {
 public:
  std::string write(const Description& description);

 private:
  void session(const Description& description);
  void media(const Media& media);
  void rtp(const Media& media);
  void codec(const Codec& codec);
  void rtcp(const Rtcp& rtcp);
  void encodings(const Media& media);
  void sctp(const Media& media);
  void transport(const InheritableLines& level);
  void extmaps(const InheritableLines& level);
  void bandwidths(const InheritableLines& level);
  void others(const InheritableLines& level);
  void connection(const Connection& connection);
  void timing(const Timing& timing);

  /// One line out of text and numbers.
  template <typename... Parts>
  void line(const Parts&... parts) {
    (append(parts), ...);
    out_ += "\r\n";
  }
  /// The same, for `a=<name>:<first> <rest> ...` where the rest is a list.
  template <typename List>
  void list_line(std::string_view start, std::string_view first, const List& rest) {
    append(start);
    append(first);
    bool blank = !first.empty();
    for (const auto& item : rest) {
      if (blank) out_ += ' ';
      append(item);
      blank = true;
    }
    out_ += "\r\n";
  }
  void flag(bool set, std::string_view text) {
    if (set) line(text);
  }
  void word(std::string_view start, std::string_view value) {
    if (!value.empty()) line(start, value);
  }

  // The one place where text enters a line, so the one place that keeps it from starting another.
  void append(std::string_view text) {
    for (const char c : text) {
      if (c != '\0' && c != '\r' && c != '\n') out_ += c;
    }
  }
  void append(std::unsigned_integral auto number) { out_ += std::to_string(number); }

  std::string out_;
};

/// " text", or nothing for no text.
std::string after_blank(std::string_view text) {
  return text.empty() ? std::string() : " " + std::string(text);
}

std::string text_of(const Attribute& attribute) {
  return attribute.value ? attribute.name + ":" + *attribute.value : attribute.name;
}

std::string text_of(const Connection& connection) {
  return connection.network_type + " " + connection.address_type + " " + connection.address;
}

std::string text_of(const std::vector<Simulcast::Stream>& streams) {
  std::string text;
  for (const Simulcast::Stream& stream : streams) {
    if (&stream != &streams.front()) text += ';';
    for (const Simulcast::Format& format : stream) {
      if (&format != &stream.front()) text += ',';
      if (format.paused) text += '~';
      text += format.rid;
    }
  }
  return text;
}

std::string Writer::write(const Description& description) {
  session(description);
  for (const Media& section : description.media) media(section);
  return std::move(out_);
}

void Writer::session(const Description& description) {
  const Origin& origin = description.origin;
  line("v=0");
  line("o=", origin.username, " ", origin.session_id, " ", origin.session_version, " ",
       origin.network_type, " ", origin.address_type, " ", origin.address);
  line("s=", description.session_name.empty() ? "-" : description.session_name);
  if (description.information) line("i=", *description.information);
  if (description.uri) line("u=", *description.uri);
  for (const std::string& email : description.emails) line("e=", email);
  for (const std::string& phone : description.phones) line("p=", phone);
  if (description.connection) connection(*description.connection);
  bandwidths(description);
  for (const Timing& section : description.timings) timing(section);
  if (description.key) line("k=", *description.key);

  for (const Group& group : description.groups) {
    list_line("a=group:", group.semantics, group.mids);
  }
  flag(description.ice_lite, "a=ice-lite");
  if (description.direction) line("a=", to_string(*description.direction));
  extmaps(description);
  for (const MsidSemantic& semantic : description.msid_semantics) {
    // The blank after the colon is what browsers write and what their older versions look for.
    list_line("a=msid-semantic: ", semantic.semantic, semantic.msids);
  }
  transport(description);
  flag(description.end_of_candidates, "a=end-of-candidates");
  others(description);
}

void Writer::bandwidths(const InheritableLines& level) {
  for (const Bandwidth& bandwidth : level.bandwidths) {
    line("b=", bandwidth.type, ":", bandwidth.value);
  }
}

void Writer::timing(const Timing& timing) {
  line("t=", timing.start, " ", timing.stop);
  for (const std::string& repeat : timing.repeats) line("r=", repeat);
  if (timing.zone) line("z=", *timing.zone);
}

void Writer::connection(const Connection& connection) {
  line("c=", text_of(connection));
}

void Writer::media(const Media& media) {
  list_line("m=",
            media.media + " " + std::to_string(media.port) +
                (media.port_count == 1 ? "" : "/" + std::to_string(media.port_count)) + " " +
                media.protocol,
            media.formats);
  if (media.information) line("i=", *media.information);
  for (const Connection& address : media.connections) connection(address);
  bandwidths(media);
  if (media.key) line("k=", *media.key);

  word("a=mid:", media.mid);
  rtp(media);
  flag(media.bundle_only, "a=bundle-only");
  transport(media);
  if (media.rtcp) rtcp(*media.rtcp);
  flag(media.rtcp_mux, "a=rtcp-mux");
  flag(media.rtcp_mux_only, "a=rtcp-mux-only");
  flag(media.rtcp_rsize, "a=rtcp-rsize");
  for (const std::string& candidate : media.candidates) line("a=candidate:", candidate);
  flag(media.end_of_candidates, "a=end-of-candidates");
  sctp(media);
  others(media);
}

void Writer::rtp(const Media& media) {
  if (media.direction) line("a=", to_string(*media.direction));
  for (const Codec& description : media.codecs) codec(description);
  for (const std::string& feedback : media.rtcp_fb) line("a=rtcp-fb:* ", feedback);
  extmaps(media);
  for (const Msid& msid : media.msids) line("a=msid:", msid.id, after_blank(msid.appdata));
  encodings(media);
}

void Writer::codec(const Codec& codec) {
  if (codec.rtpmap) {
    line("a=rtpmap:", codec.payload_type, " ", codec.rtpmap->name, "/", codec.rtpmap->clock_rate,
         codec.rtpmap->channels ? "/" + std::to_string(*codec.rtpmap->channels) : std::string());
  }
  if (codec.fmtp) line("a=fmtp:", codec.payload_type, " ", *codec.fmtp);
  for (const std::string& feedback : codec.rtcp_fb) {
    line("a=rtcp-fb:", codec.payload_type, " ", feedback);
  }
}

void Writer::encodings(const Media& media) {
  for (const Rid& rid : media.rids) {
    line("a=rid:", rid.id, rid.direction == Rid::Direction::kSend ? " send" : " recv",
         after_blank(rid.restrictions));
  }
  if (media.simulcast) {
    const auto& [send, recv] = *media.simulcast;
    line("a=simulcast:", send.empty() ? "" : "send ", text_of(send),
         send.empty() || recv.empty() ? "" : " ", recv.empty() ? "" : "recv ", text_of(recv));
  }
  for (const SsrcGroup& group : media.ssrc_groups) {
    list_line("a=ssrc-group:", group.semantics, group.ssrcs);
  }
  for (const Ssrc& ssrc : media.ssrcs) {
    for (const Attribute& attribute : ssrc.attributes) {
      line("a=ssrc:", ssrc.id, " ", text_of(attribute));
    }
  }
}

void Writer::extmaps(const InheritableLines& level) {
  flag(level.extmap_allow_mixed, "a=extmap-allow-mixed");
  for (const Extmap& extmap : level.extmaps) {
    line("a=extmap:", extmap.id, extmap.direction ? "/" : "",
         extmap.direction ? to_string(*extmap.direction) : "", " ", extmap.uri,
         after_blank(extmap.attributes));
  }
}

void Writer::transport(const InheritableLines& level) {
  word("a=ice-ufrag:", level.ice_ufrag);
  word("a=ice-pwd:", level.ice_pwd);
  if (!level.ice_options.empty()) list_line("a=ice-options:", "", level.ice_options);
  for (const Fingerprint& fingerprint : level.fingerprints) {
    line("a=fingerprint:", fingerprint.algorithm, " ", fingerprint.value);
  }
  if (level.setup) line("a=setup:", to_string(*level.setup));
  word("a=tls-id:", level.tls_id);
}

void Writer::rtcp(const Rtcp& rtcp) {
  line("a=rtcp:", rtcp.port,
       after_blank(rtcp.connection ? text_of(*rtcp.connection) : std::string()));
}

void Writer::sctp(const Media& media) {
  if (media.sctp_port) line("a=sctp-port:", *media.sctp_port);
  if (const auto& map = media.sctpmap) {
    line("a=sctpmap:", map->port, " ", map->application,
         after_blank(map->streams ? std::to_string(*map->streams) : std::string()));
  }
  if (media.max_message_size) line("a=max-message-size:", *media.max_message_size);
  word("a=sctp-init:", media.sctp_init);
}

void Writer::others(const InheritableLines& level) {
  for (const Attribute& attribute : level.attributes) line("a=", text_of(attribute));
}

}  // namespace

std::string write(const Description& description) {
  return Writer().write(description);
}

}  // namespace floe::sdp
