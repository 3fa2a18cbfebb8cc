#include "floe/capi/ice_transport.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "floe/capi/internal/call.h"
#include "floe/capi/internal/handle.h"
#include "floe/capi/internal/ice_options.h"
#include "floe/capi/internal/ice_shown.h"
#include "floe/capi/internal/network_handle.h"
#include "floe/capi/internal/sized_struct.h"
#include "floe/ice/transport.h"

using floe::Bytes;
using floe::Errc;
using floe::fail;
using floe::Result;
using floe::ice::Transport;

struct floe_ice_transport final : floe::c::Member {
  explicit floe_ice_transport(floe_network& network) : Member(network) {}

  void let_go() override { transport.reset(); }

  std::unique_ptr<Transport> transport;  ///< NULL when the network is gone.
  floe_ice_transport_handlers handlers{};
  floe::c::Link<floe_ice_transport> link{*this};
};

namespace floe::c {
namespace {

using Handle = floe_ice_transport;

/// Where empty packets begin.
constexpr std::uint8_t kNothing = 0;

/// The transport behind a handle.
Result<Transport*> behind(const Handle* handle) {
  if (handle == nullptr) return is_null("transport");
  if (handle->transport == nullptr) {
    return fail(Errc::kInvalidState, "the network of this transport was freed");
  }
  return handle->transport.get();
}

template <typename Body>
floe_error_code call_on(Handle* handle, Body&& body) {
  return call([&]() -> Result<> {
    const auto transport = behind(handle);
    if (!transport) return forward(transport);
    return body(**transport);
  });
}

template <typename Value, typename Body>
Value ask(const Handle* handle, Value otherwise, Body&& body) {
  return call_for<Value>(otherwise, [&]() -> Result<Value> {
    const auto transport = behind(handle);
    if (!transport) return forward(transport);
    return body(**transport);
  });
}

/// Both or none.
Result<std::optional<ice::Credentials>> read_credentials(const char* ufrag, const char* pwd) {
  if (ufrag == nullptr && pwd == nullptr) return std::nullopt;
  if (ufrag == nullptr) return is_null("ufrag");
  if (pwd == nullptr) return is_null("pwd");
  return ice::Credentials{ufrag, pwd};
}

Result<Transport::Config> read_config(const floe_ice_transport_configuration* given,
                                      floe_network& network) {
  const auto read = read_struct_or_defaults(given, "floe_ice_transport_configuration");
  if (!read) return forward(read);
  if (read->role != FLOE_ICE_ROLE_CONTROLLING && read->role != FLOE_ICE_ROLE_CONTROLLED) {
    return fail(Errc::kInvalidArgument,
                "role is " + std::to_string(read->role) + ", which is none of its enumerators");
  }
  auto credentials = read_credentials(read->ufrag, read->pwd);
  if (!credentials) return forward(credentials);
  auto ice = read_ice_options(read->ice, network);
  if (!ice) return forward(ice);

  Transport::Config config;
  config.agent.role =
      read->role == FLOE_ICE_ROLE_CONTROLLING ? ice::Role::kControlling : ice::Role::kControlled;
  config.agent.credentials = *std::move(credentials);
  config.agent.lite = read->lite;
  config.agent.renomination.enabled = read->renomination;
  config.agent.policy = ice->policy;
  config.agent.nomination = ice->nomination;
  config.agent.remote_filter = std::move(ice->remote_filter);
  if (ice->patience) config.agent.patience = *ice->patience;
  config.agent.gathering.rewrites = std::move(ice->address_rewrites);
  config.servers = std::move(ice->servers);
  config.local = std::move(ice->local);
  config.trust = std::move(ice->trust);
  return config;
}

/// They look the handle's own handlers up anew for each event: these may be replaced at any time.
Transport::Handlers handlers_of(Handle& handle) {
  const auto& link = handle.link;
  Transport::Handlers handlers;
  handlers.candidate = while_linked(link, [](Handle& self, const ice::Candidate& candidate) {
    const auto& to = self.handlers;
    if (to.candidate != nullptr) to.candidate(&self, candidate.to_string().c_str(), to.user);
  });
  handlers.gathering_state = while_linked(link, [](Handle& self, ice::GatheringState state) {
    const auto& to = self.handlers;
    if (to.gathering_state_change == nullptr) return;
    to.gathering_state_change(&self, shown(state), to.user);
  });
  handlers.server_failed =
      while_linked(link, [](Handle& self, const ice::Gatherer::ServerFailed& failed) {
        const auto& to = self.handlers;
        if (to.candidate_error == nullptr) return;
        const ShownCandidateError given(failed);
        to.candidate_error(&self, given.get(), to.user);
      });
  handlers.state = while_linked(link, [](Handle& self, ice::State state) {
    const auto& to = self.handlers;
    if (to.state_change != nullptr) to.state_change(&self, shown(state), to.user);
  });
  handlers.failed = while_linked(link, [](Handle& self, const ice::Report& report) {
    const auto& to = self.handlers;
    if (to.failure == nullptr) return;
    const floe_ice_report given(report);
    to.failure(&self, &given, to.user);
  });
  handlers.selected_pair =
      while_linked(link, [](Handle& self, const ice::Agent::SelectedPairChanged& pair) {
        const auto& to = self.handlers;
        if (to.selected_candidate_pair_change == nullptr) return;
        const ShownPair given(pair);
        to.selected_candidate_pair_change(&self, given.get(), to.user);
      });
  handlers.data = while_linked(link, [](Handle& self, Bytes data) {
    const auto& to = self.handlers;
    if (to.data == nullptr) return;
    to.data(&self, data.empty() ? &kNothing : data.data(), data.size(), to.user);
  });
  return handlers;
}

}  // namespace
}  // namespace floe::c

floe_ice_transport* floe_ice_transport_create(
    floe_network* network, const floe_ice_transport_configuration* configuration) {
  return floe::c::call_for<floe_ice_transport*>(nullptr, [&]() -> Result<floe_ice_transport*> {
    if (network == nullptr) return floe::c::is_null("network");
    auto config = floe::c::read_config(configuration, *network);
    if (!config) return forward(config);
    auto handle = std::make_unique<floe_ice_transport>(*network);
    auto transport =
        Transport::create(*network->network, *std::move(config), floe::c::handlers_of(*handle));
    if (!transport) return forward(transport);
    handle->transport = *std::move(transport);
    return handle.release();
  });
}

void floe_ice_transport_free(floe_ice_transport* transport) {
  delete transport;
}

floe_error_code floe_ice_transport_set_handlers(floe_ice_transport* transport,
                                                const floe_ice_transport_handlers* handlers) {
  return floe::c::call_on(transport, [&](Transport&) -> Result<> {
    const auto read = floe::c::read_struct(handlers, "floe_ice_transport_handlers");
    if (!read) return forward(read);
    transport->handlers = *read;
    return {};
  });
}

floe_error_code floe_ice_transport_set_servers(floe_ice_transport* transport,
                                               const floe_ice_server* servers,
                                               size_t server_count) {
  return floe::c::call_on(transport, [&](Transport& of) -> Result<> {
    const auto read = floe::c::servers_of(servers, server_count);
    if (!read) return forward(read);
    return of.set_servers(*read);
  });
}

floe_error_code floe_ice_transport_set_policy(floe_ice_transport* transport,
                                              floe_ice_policy policy) {
  return floe::c::call_on(transport, [&](Transport& of) -> Result<> {
    const auto read = floe::c::policy_of(policy);
    if (!read) return forward(read);
    of.set_policy(*read);
    return {};
  });
}

floe_error_code floe_ice_transport_gather(floe_ice_transport* transport) {
  return floe::c::call_on(transport, [](Transport& which) -> Result<> {
    which.gather();
    return {};
  });
}

char* floe_ice_transport_local_ufrag(const floe_ice_transport* transport) {
  return floe::c::ask<char*>(transport, nullptr, [](const Transport& of) {
    return floe::c::to_own(of.local_credentials().ufrag);
  });
}

char* floe_ice_transport_local_pwd(const floe_ice_transport* transport) {
  return floe::c::ask<char*>(transport, nullptr, [](const Transport& of) {
    return floe::c::to_own(of.local_credentials().pwd);
  });
}

floe_error_code floe_ice_transport_set_remote_credentials(floe_ice_transport* transport,
                                                          const char* ufrag, const char* pwd) {
  return floe::c::call_on(transport, [&](Transport& to) -> Result<> {
    const auto credentials = floe::c::read_credentials(ufrag, pwd);
    if (!credentials) return forward(credentials);
    if (!*credentials) return floe::c::is_null("ufrag");
    return to.set_remote_credentials(**credentials);
  });
}

floe_error_code floe_ice_transport_add_remote_candidate(floe_ice_transport* transport,
                                                        const char* candidate) {
  return floe::c::call_on(transport, [&](Transport& to) -> Result<> {
    const auto text = floe::c::text(candidate, "candidate");
    if (!text) return forward(text);
    return to.add_remote_candidate(*text);
  });
}

floe_error_code floe_ice_transport_set_remote_end_of_candidates(floe_ice_transport* transport) {
  return floe::c::call_on(transport, [](Transport& to) -> Result<> {
    to.set_remote_end_of_candidates();
    return {};
  });
}

floe_error_code floe_ice_transport_restart(floe_ice_transport* transport, const char* ufrag,
                                           const char* pwd) {
  return floe::c::call_on(transport, [&](Transport& which) -> Result<> {
    auto credentials = floe::c::read_credentials(ufrag, pwd);
    if (!credentials) return forward(credentials);
    return which.restart(*std::move(credentials));
  });
}

floe_error_code floe_ice_transport_send(floe_ice_transport* transport, const void* data,
                                        size_t length) {
  return floe::c::call_on(transport, [&](Transport& to) -> Result<> {
    if (data == nullptr && length > 0) return floe::c::is_null("data");
    return to.send(length == 0 ? Bytes() : Bytes(static_cast<const std::uint8_t*>(data), length));
  });
}

floe_ice_state floe_ice_transport_state(const floe_ice_transport* transport) {
  return floe::c::ask(transport, FLOE_ICE_STATE_CLOSED,
                      [](const Transport& of) { return floe::c::shown(of.state()); });
}

floe_ice_role floe_ice_transport_role(const floe_ice_transport* transport) {
  return floe::c::ask(transport, FLOE_ICE_ROLE_CONTROLLING, [](const Transport& of) {
    return of.role() == floe::ice::Role::kControlling ? FLOE_ICE_ROLE_CONTROLLING
                                                      : FLOE_ICE_ROLE_CONTROLLED;
  });
}

floe_error_code floe_ice_transport_close(floe_ice_transport* transport) {
  return floe::c::call_on(transport, [](Transport& which) -> Result<> {
    which.close();
    return {};
  });
}

floe_ice_report* floe_ice_transport_report(const floe_ice_transport* transport) {
  return floe::c::ask<floe_ice_report*>(
      transport, nullptr, [](const Transport& of) { return new floe_ice_report(of.report()); });
}
