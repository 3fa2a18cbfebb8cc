#include "floe/capi/rtp_transceiver.h"

#include <string>
#include <utility>
#include <vector>

#include "floe/capi/internal/rtp_codecs_handle.h"
#include "floe/capi/internal/rtp_transceiver_handle.h"
#include "floe/capi/internal/sized_struct.h"
#include "floe/capi/internal/texts_handle.h"
#include "floe/capi/internal/words.h"

using floe::Result;
using floe::RtpTransceiver;

namespace floe::c {
namespace {

constexpr const char* kDirections[] = {"sendrecv", "sendonly", "recvonly", "inactive", "stopped"};

template <typename Body>
floe_error_code call_on(floe_rtp_transceiver* handle, Body&& body) {
  return call([&]() -> Result<> {
    if (handle == nullptr) return is_null("transceiver");
    return body(*handle->transceiver);
  });
}

template <typename Value, typename Body>
Value ask(const floe_rtp_transceiver* handle, Value otherwise, Body&& body) {
  return call_for<Value>(otherwise, [&]() -> Result<Value> {
    if (handle == nullptr) return is_null("transceiver");
    return body(static_cast<const RtpTransceiver&>(*handle->transceiver));
  });
}

Result<RtpTransceiverDirection> direction_of(floe_rtp_transceiver_direction direction) {
  switch (direction) {
    case FLOE_RTP_TRANSCEIVER_DIRECTION_SENDRECV:
      return RtpTransceiverDirection::kSendrecv;
    case FLOE_RTP_TRANSCEIVER_DIRECTION_SENDONLY:
      return RtpTransceiverDirection::kSendonly;
    case FLOE_RTP_TRANSCEIVER_DIRECTION_RECVONLY:
      return RtpTransceiverDirection::kRecvonly;
    case FLOE_RTP_TRANSCEIVER_DIRECTION_INACTIVE:
      return RtpTransceiverDirection::kInactive;
    case FLOE_RTP_TRANSCEIVER_DIRECTION_STOPPED:
      return RtpTransceiverDirection::kStopped;
  }
  return fail(Errc::kInvalidArgument, "there is no direction " + std::to_string(direction));
}

Result<RtpEncodingParameters> read_encoding(const floe_rtp_encoding* given) {
  const auto read = read_struct(given, "floe_rtp_encoding");
  if (!read) return forward(read);
  RtpEncodingParameters encoding;
  encoding.rid = text_or_empty(read->rid);
  encoding.active = !read->inactive;
  if (read->max_bitrate != 0) encoding.max_bitrate = read->max_bitrate;
  if (read->has_max_framerate) encoding.max_framerate = read->max_framerate;
  if (read->scale_resolution_down_by != 0) {
    encoding.scale_resolution_down_by = read->scale_resolution_down_by;
  }
  return encoding;
}

}  // namespace

floe_rtp_transceiver_direction shown(RtpTransceiverDirection direction) {
  return enumerator(kDirections, to_string(direction), FLOE_RTP_TRANSCEIVER_DIRECTION_STOPPED);
}

std::shared_ptr<MediaStreamTrack> track_named(MediaKind kind, const char* id) {
  return id == nullptr ? nullptr : std::make_shared<MediaStreamTrack>(kind, id);
}

Result<TransceiverInit> read_transceiver_init(MediaKind kind,
                                              const floe_rtp_transceiver_init* given) {
  const auto read = read_struct_or_defaults(given, "floe_rtp_transceiver_init");
  if (!read) return forward(read);
  const auto direction = direction_of(read->direction);
  if (!direction) return forward(direction);
  auto streams = read_texts(read->streams, read->stream_count, "streams");
  if (!streams) return forward(streams);
  if (read->send_encodings == nullptr && read->send_encoding_count > 0) {
    return is_null("send_encodings");
  }
  TransceiverInit both;
  both.init.direction = *direction;
  both.init.streams = *std::move(streams);
  for (std::size_t i = 0; i < read->send_encoding_count; ++i) {
    auto encoding = read_encoding(read->send_encodings[i]);
    if (!encoding) return forward(encoding);
    both.init.send_encodings.push_back(*std::move(encoding));
  }
  both.track = track_named(kind, read->track_id);
  return both;
}

}  // namespace floe::c

void floe_rtp_transceiver_free(floe_rtp_transceiver* transceiver) {
  delete transceiver;
}

bool floe_rtp_transceiver_is_same(const floe_rtp_transceiver* one,
                                  const floe_rtp_transceiver* other) {
  return floe::c::ask(one, false, [&](const RtpTransceiver& first) -> Result<bool> {
    if (other == nullptr) return floe::c::is_null("other");
    return &first == other->transceiver.get();
  });
}

floe_media_kind floe_rtp_transceiver_kind(const floe_rtp_transceiver* transceiver) {
  return floe::c::ask(transceiver, FLOE_MEDIA_KIND_AUDIO,
                      [](const RtpTransceiver& of) { return floe::c::shown(of.kind()); });
}

char* floe_rtp_transceiver_mid(const floe_rtp_transceiver* transceiver) {
  return floe::c::ask<char*>(transceiver, nullptr, [](const RtpTransceiver& of) -> Result<char*> {
    if (!of.mid()) return fail(floe::Errc::kNotFound, "no description names the section yet");
    return floe::c::to_own(*of.mid());
  });
}

floe_rtp_transceiver_direction floe_rtp_transceiver_get_direction(
    const floe_rtp_transceiver* transceiver) {
  return floe::c::ask(transceiver, FLOE_RTP_TRANSCEIVER_DIRECTION_STOPPED,
                      [](const RtpTransceiver& of) { return floe::c::shown(of.direction()); });
}

floe_error_code floe_rtp_transceiver_set_direction(floe_rtp_transceiver* transceiver,
                                                   floe_rtp_transceiver_direction direction) {
  return floe::c::call_on(transceiver, [&](RtpTransceiver& of) -> Result<> {
    const auto read = floe::c::direction_of(direction);
    if (!read) return forward(read);
    return of.set_direction(*read);
  });
}

floe_error_code floe_rtp_transceiver_current_direction(const floe_rtp_transceiver* transceiver,
                                                       floe_rtp_transceiver_direction* direction) {
  return floe::c::call([&]() -> Result<> {
    if (transceiver == nullptr) return floe::c::is_null("transceiver");
    if (direction == nullptr) return floe::c::is_null("direction");
    const auto current = transceiver->transceiver->current_direction();
    if (!current) return fail(floe::Errc::kNotFound, "nothing is agreed on yet");
    *direction = floe::c::shown(*current);
    return {};
  });
}

floe_error_code floe_rtp_transceiver_stop(floe_rtp_transceiver* transceiver) {
  return floe::c::call_on(transceiver, [](RtpTransceiver& which) { return which.stop(); });
}

bool floe_rtp_transceiver_stopping(const floe_rtp_transceiver* transceiver) {
  return floe::c::ask(transceiver, true, [](const RtpTransceiver& of) { return of.stopping(); });
}

bool floe_rtp_transceiver_stopped(const floe_rtp_transceiver* transceiver) {
  return floe::c::ask(transceiver, true, [](const RtpTransceiver& of) { return of.stopped(); });
}

floe_error_code floe_rtp_transceiver_set_codec_preferences(floe_rtp_transceiver* transceiver,
                                                           const floe_rtp_codec* const* codecs,
                                                           size_t count) {
  return floe::c::call_on(transceiver, [&](RtpTransceiver& of) -> Result<> {
    const auto read = floe::c::read_codecs(codecs, count);
    if (!read) return forward(read);
    return of.set_codec_preferences(*read);
  });
}

floe_rtp_codecs* floe_rtp_transceiver_sender_codecs(const floe_rtp_transceiver* transceiver) {
  return floe::c::ask<floe_rtp_codecs*>(transceiver, nullptr, [](const RtpTransceiver& of) {
    return new floe_rtp_codecs(of.sender()->parameters().codecs);
  });
}

floe_rtp_codecs* floe_rtp_transceiver_receiver_codecs(const floe_rtp_transceiver* transceiver) {
  return floe::c::ask<floe_rtp_codecs*>(transceiver, nullptr, [](const RtpTransceiver& of) {
    return new floe_rtp_codecs(of.receiver()->parameters().codecs);
  });
}

char* floe_rtp_transceiver_sender_track(const floe_rtp_transceiver* transceiver) {
  return floe::c::ask<char*>(transceiver, nullptr, [](const RtpTransceiver& of) -> Result<char*> {
    const auto& track = of.sender()->track();
    if (track == nullptr) return fail(floe::Errc::kNotFound, "no track is sent");
    return floe::c::to_own(track->id());
  });
}

floe_error_code floe_rtp_transceiver_replace_sender_track(floe_rtp_transceiver* transceiver,
                                                          const char* track_id) {
  return floe::c::call_on(transceiver, [&](RtpTransceiver& of) {
    return of.sender()->replace_track(floe::c::track_named(of.kind(), track_id));
  });
}

floe_error_code floe_rtp_transceiver_set_sender_streams(floe_rtp_transceiver* transceiver,
                                                        const char* const* streams, size_t count) {
  return floe::c::call_on(transceiver, [&](RtpTransceiver& of) -> Result<> {
    auto read = floe::c::read_texts(streams, count, "streams");
    if (!read) return forward(read);
    return of.sender()->set_streams(*std::move(read));
  });
}

floe_texts* floe_rtp_transceiver_sender_streams(const floe_rtp_transceiver* transceiver) {
  return floe::c::ask<floe_texts*>(transceiver, nullptr, [](const RtpTransceiver& of) {
    return new floe_texts(of.sender()->streams());
  });
}

char* floe_rtp_transceiver_receiver_track(const floe_rtp_transceiver* transceiver) {
  return floe::c::ask<char*>(transceiver, nullptr, [](const RtpTransceiver& of) {
    return floe::c::to_own(of.receiver()->track()->id());
  });
}

floe_texts* floe_rtp_transceiver_receiver_streams(const floe_rtp_transceiver* transceiver) {
  return floe::c::ask<floe_texts*>(transceiver, nullptr, [](const RtpTransceiver& of) {
    return new floe_texts(of.receiver()->streams());
  });
}

const char* floe_rtp_transceiver_direction_text(floe_rtp_transceiver_direction direction) {
  return floe::c::word(floe::c::kDirections, direction);
}
