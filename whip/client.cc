#include "floe/whip/client.h"

#include <utility>

#include "floe/core/text.h"
#include "floe/http/problem.h"
#include "floe/sdp/parser.h"
#include "floe/whip/ice_server_links.h"
#include "floe/whip/internal/directions.h"
#include "floe/whip/internal/offer_text.h"

namespace floe::whip {

Client::Client(net::Network& network, Options options, http::Url endpoint, ClientHandler& handler)
    : network_(network),
      options_(std::move(options)),
      endpoint_(std::move(endpoint)),
      handler_(handler),
      trickles_(options_.trickle),
      timer_(network.create_timer([this] { on_timer(); })) {}

Client::~Client() {
  *alive_ = false;
}

Result<std::unique_ptr<Client>> Client::start(net::Network& network, Options options,
                                              ClientHandler& handler) {
  Result<http::Url> endpoint = http::Url::parse(options.url);
  if (!endpoint) return forward(endpoint);
  if (options.token.find_first_of(" \t\r\n") != std::string::npos) {
    return fail(Errc::kInvalidArgument, "a bearer token has no blanks and no line ends");
  }
  std::unique_ptr<Client> client(
      new Client(network, std::move(options), std::move(*endpoint), handler));
  // Nothing calls back from within this call.
  client->timer_->arm(network.now());
  return client;
}

void Client::begin() {
  const std::shared_ptr<bool> alive = alive_;
  Result<std::unique_ptr<PeerConnection>> created = handler_.create_connection();
  if (!*alive) return;
  if (!created) return end({created.error()});
  connection_ = std::move(*created);
  if (close_wanted_) return;  // The timer ends it.
  const Flow flow = flow_of(options_.protocol, /*is_client=*/true);
  if (const auto useless = useless_transceiver(*connection_, flow)) {
    return end(
        {{Errc::kInvalidArgument, *useless + " for " + std::string(to_string(options_.protocol))}});
  }
  limit_directions(*connection_, flow);
  connection_->on_ice_candidate([this](const IceCandidate& found) { on_candidate(found); });
  connection_->on_ice_gathering_state_change([this](IceGatheringState state) {
    if (state != IceGatheringState::kComplete || phase_ != Phase::kGathering) return;
    offer_ = *connection_->local_description();
    post();
  });
  connection_->on_connection_state_change(
      [this](PeerConnectionState state) { handler_.on_state(state); });
  connection_->on_dtls_state_change(
      [this](DtlsTransportState state, const std::optional<Error>& error) {
        if (phase_ != Phase::kOpen) return;
        if (state == DtlsTransportState::kClosed) {
          end({{Errc::kClosed, "the server closed the connection"}});
        } else if (error) {
          abandon({*error});
        }
      });
  auto offer = connection_->create_offer();
  if (!offer) return end({offer.error()});
  offer_ = std::move(*offer);
  if (sdp::parse(offer_.sdp).value().media.empty()) {
    return end({{Errc::kInvalidState,
                 "there is nothing to offer: add a track, a transceiver or a data channel"}});
  }
  // RFC 9725 section 4.3.2: the offer goes as soon as possible. Gathering waits for the ICE servers
  // that come with the answer (section 4.6).
  if (options_.trickle) return post();
  phase_ = Phase::kGathering;
  if (auto set = connection_->set_local_description(offer_); !set) end({set.error()});
}

void Client::post() {
  phase_ = Phase::kPosting;
  send(endpoint_, request("POST", kSdpType, offer_text(offer_.sdp)), &Client::take_response);
}

void Client::take_response(const http::Response& response) {
  switch (response.status) {
    case 201:
      return take_answer(response);
    case 307:
    case 308:
      return redirect(response);
    case 406:
      if (options_.protocol == Protocol::kWhep &&
          http::media_type(response.headers.find("content-type").value_or("")) == kSdpType) {
        return take_counter_offer(response);
      }
      break;
    default:
      break;
  }
  end(refused("POST", endpoint_, response));
}

// RFC 9725 section 4.5. Other redirections would make a GET of the POST.
void Client::redirect(const http::Response& response) {
  const auto failed = [&](std::string why) {
    end({{Errc::kRefused, "POST " + endpoint_.to_string() + ": redirected " + std::move(why)},
         response.status});
  };
  const Result<http::Url> target =
      endpoint_.resolve(response.headers.find("location").value_or(""));
  if (!target) return failed("to nowhere: " + target.error().message);
  if (++redirects_ > kMaxRedirects) return failed("too often; the endpoints form a loop");
  if (endpoint_.secure && !target->secure) {
    return failed("from https to " + target->to_string() + ", which anybody could read");
  }
  if (close_wanted_) return end({{Errc::kClosed, "closed before the session began"}});
  endpoint_ = *target;
  post();
}

bool Client::read_session(const http::Response& response) {
  const auto failed = [&](const std::string& why) {
    end({{Errc::kMalformed, "POST " + endpoint_.to_string() + ": the response " + why},
         response.status});
    return false;
  };
  // RFC 9725 section 4.2
  const auto location = response.headers.find("location");
  if (!location) return failed("has no Location, so the session could never be ended");
  Result<http::Url> session = endpoint_.resolve(*location);
  if (!session) return failed("has a Location that is none: " + session.error().message);
  if (endpoint_.secure && !session->secure) return failed("has a Location without https");
  session_ = std::move(*session);
  etag_ = response.headers.find("etag").value_or("");
  ice_servers_ = read_ice_servers(response.headers);
  const std::string type = http::media_type(response.headers.find("content-type").value_or(""));
  if (type == kSdpType) return true;
  abandon({{Errc::kMalformed, "POST " + endpoint_.to_string() + ": the answer has the type " +
                                  quoted(type) + ", not " + std::string(kSdpType)},
           response.status});
  return false;
}

void Client::take_answer(const http::Response& response) {
  if (!read_session(response)) return;
  if (close_wanted_) return delete_session();
  use_told_ice_servers();
  Result<> set = options_.trickle ? connection_->set_local_description(offer_) : Result<>();
  if (set) set = connection_->set_remote_description({SdpType::kAnswer, response.body});
  if (!set) {
    return abandon({{set.error().code, "POST " + endpoint_.to_string() +
                                           ": the answer cannot be used: " + set.error().message},
                    response.status});
  }
  open();
}

// RFC 9725 section 4.6. What the application has configured goes before what the endpoint names.
void Client::use_told_ice_servers() {
  Configuration configuration = connection_->configuration();
  if (ice_servers_.empty() || !configuration.ice_servers.empty()) return;
  configuration.ice_servers = ice_servers_;
  if (auto set = connection_->set_configuration(configuration); !set) {
    network_.log(LogLevel::kWarning, "whip", set.error().message);
  }
}

// draft-ietf-wish-whep section 4.2.2
void Client::take_counter_offer(const http::Response& response) {
  if (!read_session(response)) return;
  if (close_wanted_) return delete_session();
  use_told_ice_servers();
  auto done = connection_->set_remote_description({SdpType::kOffer, response.body});
  if (done) {
    limit_directions(*connection_, Flow::kIn);
    done = connection_->set_local_description();
  }
  if (!done) {
    return abandon(
        {{done.error().code, "POST " + endpoint_.to_string() +
                                 ": the counter-offer cannot be answered: " + done.error().message},
         response.status});
  }
  phase_ = Phase::kAnswering;
  send(*session_, request("PATCH", kSdpType, connection_->local_description()->sdp),
       &Client::take_receipt);
}

void Client::take_receipt(const http::Response& response) {
  if (response.status / 100 != 2) return abandon(refused("PATCH", *session_, response));
  if (close_wanted_) return delete_session();
  open();
}

void Client::open() {
  phase_ = Phase::kOpen;
  next_patch_ = network_.now();
  timer_->arm(next_patch_);
  handler_.on_established();
}

// ------------------------------------------------------------------------------------- HTTP

http::Request Client::request(std::string method, std::string_view type, std::string body) const {
  http::Request request;
  request.method = std::move(method);
  request.body = std::move(body);
  if (!type.empty()) request.headers.add("Content-Type", std::string(type));
  if (!options_.token.empty()) request.headers.add("Authorization", "Bearer " + options_.token);
  request.headers.add("User-Agent", "floe");
  return request;
}

void Client::send(const http::Url& url, http::Request request, Handle handle) {
  exchange_ = std::make_unique<http::Exchange>(network_, url, std::move(request), options_.http,
                                               [this, handle](const Result<http::Response>& got) {
                                                 if (!got) return end({got.error()});
                                                 (this->*handle)(*got);
                                               });
}

Failure Client::refused(std::string_view method, const http::Url& url,
                        const http::Response& response) const {
  std::string text = std::string(method) + " " + url.to_string() + ": " +
                     std::to_string(response.status) + " " +
                     std::string(http::reason_phrase(response.status));
  const std::string detail = http::detail_of(response);
  if (!detail.empty()) text += ": " + detail;
  Failure failure{{Errc::kRefused, std::move(text)}, response.status};
  if (const auto wait =
          parse_decimal<std::uint32_t>(trim(response.headers.find("retry-after").value_or("")))) {
    failure.retry_after = std::chrono::seconds(*wait);
    failure.error.message += "; to be tried again in " + std::to_string(*wait) + " s";
  }
  switch (response.status) {
    case 301:
    case 302:
    case 303:
      failure.error.message +=
          " (WHIP redirects with 307 or 308 only): give the URL that it leads to";
      break;
    case 401:
    case 403:
      failure.error.code = Errc::kPermissionDenied;
      if (options_.token.empty()) failure.error.message += "; no token was given";
      break;
    case 404:
    case 410:
      failure.error.code = Errc::kNotFound;
      break;
    default:
      break;
  }
  return failure;
}

void Client::end(Failure failure) {
  if (phase_ == Phase::kEnded) return;
  phase_ = Phase::kEnded;
  timer_->arm(kNever);
  exchange_.reset();
  patch_.reset();
  if (connection_) connection_->close();
  handler_.on_closed(failure);
}

void Client::abandon(Failure failure) {
  last_words_ = std::move(failure);
  delete_session();
}

}  // namespace floe::whip
