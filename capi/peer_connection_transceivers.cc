// The transceivers of a connection.
#include <algorithm>
#include <string>
#include <utility>

#include "floe/capi/internal/call.h"
#include "floe/capi/internal/peer_connection_handle.h"
#include "floe/capi/internal/rtp_codecs_handle.h"
#include "floe/capi/internal/rtp_transceiver_handle.h"
#include "floe/capi/internal/texts_handle.h"
#include "floe/capi/peer_connection.h"

using floe::PeerConnection;
using floe::Result;

size_t floe_peer_connection_transceiver_count(const floe_peer_connection* connection) {
  return floe::c::ask<size_t>(connection, 0,
                              [](const PeerConnection& of) { return of.transceivers().size(); });
}

floe_rtp_transceiver* floe_peer_connection_transceiver_at(const floe_peer_connection* connection,
                                                          size_t index) {
  return floe::c::ask<floe_rtp_transceiver*>(
      connection, nullptr, [&](const PeerConnection& of) -> Result<floe_rtp_transceiver*> {
        const auto all = of.transceivers();
        if (index >= all.size()) {
          return fail(floe::Errc::kNotFound,
                      "there is no transceiver number " + std::to_string(index));
        }
        return new floe_rtp_transceiver(all[index]);
      });
}

floe_rtp_transceiver* floe_peer_connection_add_transceiver(floe_peer_connection* connection,
                                                           floe_media_kind kind,
                                                           const floe_rtp_transceiver_init* init) {
  return floe::c::ask<floe_rtp_transceiver*>(
      connection, nullptr, [&](PeerConnection& to) -> Result<floe_rtp_transceiver*> {
        const auto read_kind = floe::c::media_kind_of(kind);
        if (!read_kind) return forward(read_kind);
        const auto read = floe::c::read_transceiver_init(*read_kind, init);
        if (!read) return forward(read);
        auto added = read->track == nullptr ? to.add_transceiver(*read_kind, read->init)
                                            : to.add_transceiver(read->track, read->init);
        if (!added) return forward(added);
        return new floe_rtp_transceiver(*std::move(added));
      });
}

floe_rtp_transceiver* floe_peer_connection_add_track(floe_peer_connection* connection,
                                                     floe_media_kind kind, const char* track_id,
                                                     const char* const* streams,
                                                     size_t stream_count) {
  return floe::c::ask<floe_rtp_transceiver*>(
      connection, nullptr, [&](PeerConnection& to) -> Result<floe_rtp_transceiver*> {
        const auto read_kind = floe::c::media_kind_of(kind);
        if (!read_kind) return forward(read_kind);
        if (track_id == nullptr) return floe::c::is_null("track_id");
        auto read = floe::c::read_texts(streams, stream_count, "streams");
        if (!read) return forward(read);
        const auto sender =
            to.add_track(floe::c::track_named(*read_kind, track_id), *std::move(read));
        if (!sender) return forward(sender);
        const auto all = to.transceivers();
        const auto its = std::find_if(all.begin(), all.end(), [&](const auto& transceiver) {
          return transceiver->sender() == *sender;
        });
        return new floe_rtp_transceiver(*its);
      });
}

floe_error_code floe_peer_connection_remove_track(floe_peer_connection* connection,
                                                  const floe_rtp_transceiver* transceiver) {
  return floe::c::call_on(connection, [&](PeerConnection& from) -> Result<> {
    if (transceiver == nullptr) return floe::c::is_null("transceiver");
    return from.remove_track(transceiver->transceiver->sender());
  });
}
