#include "floe/capi/network.h"

#include <string>
#include <utility>

#include "floe/capi/internal/network_handle.h"
#include "floe/capi/internal/words.h"

using floe::Result;
using floe::c::call;
using floe::c::is_null;

namespace floe::c {

Member::Member(floe_network& network) : network_(&network) {
  network.members.insert(this);
}

Member::~Member() {
  if (network_ != nullptr) network_->members.erase(this);
}

namespace {

constexpr const char* kLogLevels[] = {"debug", "info", "warning", "error"};

/// The network may be freed meanwhile.
Result<> turn(floe_network& network, bool once) {
  if (network.turning) {
    return fail(Errc::kInvalidState, "the loop turns already: this was called within a handler");
  }
  network.turning = true;
  const auto link = network.link.get();
  if (once) {
    network.network->run_once();
  } else {
    network.network->run();
  }
  if (*link != nullptr) network.turning = false;
  return {};
}

}  // namespace
}  // namespace floe::c

floe_network::~floe_network() {
  while (!members.empty()) {
    floe::c::Member& member = **members.begin();
    members.erase(members.begin());
    member.network_ = nullptr;
    member.let_go();
  }
  mdns.reset();
  port_mapping.reset();
}

std::shared_ptr<floe::mdns::Service> floe_network::shared_mdns() {
  if (!mdns) mdns = floe::mdns::Service::create(*network);
  return mdns;
}

std::shared_ptr<floe::port_mapping::Service> floe_network::shared_port_mapping() {
  if (!port_mapping) port_mapping = std::make_shared<floe::port_mapping::Service>(*network);
  return port_mapping;
}

floe_network* floe_network_create(struct uv_loop_s* loop) {
  return floe::c::call_for<floe_network*>(nullptr, [&]() -> Result<floe_network*> {
    auto network = floe::net::uv::Network::create(loop);
    if (!network) return forward(network);
    auto handle = std::make_unique<floe_network>();
    handle->network = *std::move(network);
    handle->poll_timer = handle->network->create_timer([] {});
    return handle.release();
  });
}

void floe_network_free(floe_network* network) {
  delete network;
}

floe_error_code floe_network_run(floe_network* network) {
  return call([&]() -> Result<> {
    if (network == nullptr) return is_null("network");
    return floe::c::turn(*network, false);
  });
}

floe_error_code floe_network_poll(floe_network* network, int timeout_ms) {
  return call([&]() -> Result<> {
    if (network == nullptr) return is_null("network");
    const auto link = network->link.get();
    floe::net::uv::Network& loop = *network->network;
    if (timeout_ms > 0) {
      network->poll_timer->arm(loop.now() + std::chrono::milliseconds(timeout_ms));
    } else if (timeout_ms == 0 && !network->turning) {
      loop.post([] {});  // Something that happens, so that the loop does not wait for another.
    }
    auto turned = floe::c::turn(*network, true);
    if (*link != nullptr && timeout_ms > 0) network->poll_timer->arm(floe::kNever);
    return turned;
  });
}

floe_error_code floe_network_stop(floe_network* network) {
  return call([&]() -> Result<> {
    if (network == nullptr) return is_null("network");
    network->network->stop();
    return {};
  });
}

floe_error_code floe_network_post(floe_network* network, void (*task)(void* user), void* user) {
  return call([&]() -> Result<> {
    if (network == nullptr) return is_null("network");
    if (task == nullptr) return is_null("task");
    network->network->post([task, user] { task(user); });
    return {};
  });
}

floe_error_code floe_network_set_log_handler(floe_network* network, floe_log_handler handler,
                                             void* user) {
  return call([&]() -> Result<> {
    if (network == nullptr) return is_null("network");
    if (handler == nullptr) {
      network->network->set_log_sink(nullptr);
      return {};
    }
    network->network->set_log_sink([handler, user](floe::LogLevel level, std::string_view component,
                                                   std::string_view message) {
      handler(floe::c::enumerator(floe::c::kLogLevels, to_string(level), FLOE_LOG_LEVEL_ERROR),
              std::string(component).c_str(), std::string(message).c_str(), user);
    });
    return {};
  });
}
