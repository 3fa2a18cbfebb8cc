#include "service.h"

#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>
#include <variant>

#include "printer.h"

namespace trickle_ice {

using floe::server::OtherSignal;
using floe::server::SignalingClient;
using nlohmann::json;

namespace {

/// W3C RTCConfiguration, as far as it is about gathering. Throws json::exception.
Request read_request(const json& gather) {
  Request request;
  request.relay_only = gather.value("policy", "all") == "relay";
  for (const json& entry : gather.value("servers", json::array())) {
    floe::ice::ServerConfig server;
    const json& urls = entry.at("urls");
    if (urls.is_array()) {
      server.urls = urls.get<std::vector<std::string>>();
    } else {
      server.urls.push_back(urls.get<std::string>());
    }
    server.username = entry.value("username", "");
    server.credential = entry.value("credential", "");
    request.servers.push_back(std::move(server));
  }
  return request;
}

}  // namespace

Service::Service(floe::net::Network& network, uv_loop_s& loop, const Options& options,
                 std::function<void(const std::string&)> ended)
    : network_(network), loop_(loop), options_(options), ended_(std::move(ended)) {}

floe::Result<> Service::start() {
  auto client = SignalingClient::connect(network_, loop_, *options_.serve, *this);
  if (!client) return floe::forward(client);
  client_ = std::move(*client);
  return client_->join(options_.room, "floe-ice");
}

void Service::on_joined(const floe::server::Joined& joined) {
  std::printf("waiting in room %s of %s\n", joined.room.c_str(), options_.serve->c_str());
  std::fflush(stdout);
}

void Service::on_peer_left(const std::string& id) {
  if (id == asker_) gathering_.reset();
}

void Service::on_signal(const std::string& from, const floe::server::Signal& signal) {
  const auto* other = std::get_if<OtherSignal>(&signal);
  if (other == nullptr) return;
  const json data = json::parse(other->json, nullptr, false);
  if (!data.is_object() || !data.contains("gather")) return;
  asker_ = from;
  run_ = 0;
  gathering_.reset();
  try {
    const json& gather = data["gather"];
    run_ = gather.at("run").get<std::int64_t>();
    auto gathering = Gathering::start(network_, options_, read_request(gather), *this);
    if (!gathering) return tell({{"refused", gathering.error().message}});
    gathering_ = std::move(*gathering);
  } catch (const json::exception& problem) {
    tell({{"refused", problem.what()}});
  }
}

void Service::on_error(const floe::server::Refusal& refusal) {
  std::fprintf(stderr, "floe-ice: the signalling server: %s\n", refusal.message.c_str());
}

void Service::on_closed(const floe::Error& error) {
  gathering_.reset();
  ended_(error.message);
}

void Service::tell(json line) {
  line["run"] = run_;
  // It fails when the connection has ended; on_closed says so.
  static_cast<void>(client_->send(asker_, OtherSignal{line.dump()}));
}

void Service::on_found(const Found& found) {
  tell(to_json(found));
}
void Service::on_failed(const Failed& failed) {
  tell(to_json(failed));
}
void Service::on_outcome(const Outcome& outcome) {
  tell(to_json(outcome));
}

}  // namespace trickle_ice
