#include "visitor.h"

#include <cstdio>
#include <utility>

#include "floe/tls/trust.h"

namespace whip_program {

using floe::DataChannel;
using floe::MediaKind;
using floe::PeerConnection;
using floe::Result;
using floe::whip::Failure;
using floe::whip::Protocol;

namespace {

// Lines kept for a channel that is not open yet.
constexpr std::size_t kMaxWaiting = 1'000;

template <typename... Values>
void show(const char* format, const Values&... values) {
  std::printf(format, values.c_str()...);
  std::putchar('\n');
  std::fflush(stdout);
}

}  // namespace

Visitor::Visitor(floe::net::Network& network, const Visit& options,
                 std::function<void(ExitCode)> done)
    : network_(network),
      options_(options),
      done_(std::move(done)),
      retry_(network.create_timer([this] {
        retrying_ = false;
        if (const Result<> started = start(); !started) {
          on_closed({started.error(), 0, std::nullopt});
        }
      })) {}

Result<> Visitor::start() {
  floe::whip::Client::Options options;
  options.url = options_.url;
  options.protocol = options_.protocol;
  options.token = options_.token;
  if (!options_.ca.empty()) {
    auto trust = floe::tls::Trust::from_file(options_.ca);
    if (!trust) return forward(trust);
    options.http.trust = std::move(*trust);
  }
  auto client = floe::whip::Client::start(network_, std::move(options), *this);
  if (!client) return forward(client);
  client_ = std::move(*client);
  return {};
}

Result<std::unique_ptr<PeerConnection>> Visitor::create_connection() {
  floe::Configuration configuration;
  configuration.local.loopback = options_.loopback;
  configuration.bundle_policy = floe::sdp::BundlePolicy::kMaxBundle;
  auto connection = PeerConnection::create(network_, std::move(configuration));
  if (!connection) return connection;
  for (const auto& [wanted, kind] : {std::pair(options_.audio, MediaKind::kAudio),
                                     std::pair(options_.video, MediaKind::kVideo)}) {
    if (!wanted) continue;
    if (auto added = (*connection)->add_transceiver(kind); !added) return forward(added);
  }
  auto channel = (*connection)->create_data_channel("floe-whip");
  if (!channel) return forward(channel);
  channel_ = std::move(*channel);
  channel_->on_open([this] {
    for (const std::string& line : std::exchange(waiting_, {})) say(line);
    if (closing_) channel_->close();
  });
  channel_->on_close([this] {
    if (closing_) client_->close();
  });
  channel_->on_message([](const DataChannel::Message& message) {
    show("%s", message.is_text ? std::string(floe::as_text(message.payload))
                               : std::to_string(message.payload.size()) + " bytes");
  });
  return connection;
}

void Visitor::take_line(std::string_view line) {
  if (line == "/restart") {
    if (const Result<> started = client_->restart_ice(); !started) {
      show("cannot restart: %s", started.error().message);
    }
    return;
  }
  if (options_.protocol == Protocol::kWhip) say(line);
}

void Visitor::say(std::string_view line) {
  if (channel_ && channel_->ready_state() == floe::DataChannelState::kOpen) {
    if (const Result<> sent = channel_->send(line); !sent) show("%s", sent.error().message);
  } else if (waiting_.size() < kMaxWaiting) {
    waiting_.emplace_back(line);
  }
}

void Visitor::close() {
  const bool is_again = std::exchange(closing_, true);
  if (retrying_) return done_(ExitCode::kDone);
  // What the user has said already is to be heard: a channel closes after its last message. Who
  // says it twice does not want to wait.
  const bool is_open = channel_ && channel_->ready_state() == floe::DataChannelState::kOpen;
  if (!is_again && is_open) return channel_->close();
  if (is_again || waiting_.empty()) client_->close();
}

void Visitor::on_established() {
  show("session %s", client_->session_url());
}

void Visitor::on_state(floe::PeerConnectionState state) {
  show("%s", std::string(to_string(state)));
}

void Visitor::on_restarted() {
  show("restarted%s", std::string());
}

void Visitor::on_restart_failed(const Failure& failure) {
  show("the restart failed: %s", failure.error.message);
}

void Visitor::on_closed(const Failure& failure) {
  show("%s", failure.error.message);
  // draft-ietf-wish-whep section 4.2: nobody publishes yet.
  if (options_.protocol == Protocol::kWhep && failure.status == 409 && failure.retry_after &&
      !closing_) {
    retrying_ = true;
    return retry_->arm(network_.now() + *failure.retry_after);
  }
  done_(closing_ ? ExitCode::kDone : ExitCode::kRefused);
}

}  // namespace whip_program
