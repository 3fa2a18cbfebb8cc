#include "floe/whip/internal/offer_text.h"

#include "floe/sdp/parser.h"
#include "floe/sdp/writer.h"

namespace floe::whip {

std::string offer_text(const std::string& sdp) {
  sdp::Description offer = sdp::parse(sdp).value();  // our own
  for (sdp::Media& media : offer.media) media.rtcp_mux_only = media.rtcp_mux;
  return sdp::write(offer);
}

}  // namespace floe::whip
