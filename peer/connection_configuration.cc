// W3C "set a configuration": what may change in the middle of a session, and when that counts.
#include <utility>

#include "floe/peer/connection.h"

namespace floe {
namespace {

/// A function cannot be compared, but whether there is one can.
template <typename Function>
bool both_or_none(const Function& one, const Function& other) {
  return static_cast<bool>(one) == static_cast<bool>(other);
}

bool is_same(const ice::LocalPolicy& one, const ice::LocalPolicy& other) {
  return one.ipv4 == other.ipv4 && one.ipv6 == other.ipv6 && one.loopback == other.loopback &&
         one.link_local == other.link_local && one.port_min == other.port_min &&
         one.port_max == other.port_max && both_or_none(one.filter, other.filter) &&
         one.continual == other.continual && one.mdns == other.mdns &&
         one.hide_addresses == other.hide_addresses && one.port_mapping == other.port_mapping &&
         one.tcp == other.tcp && one.udp_mux == other.udp_mux && one.tcp_mux == other.tcp_mux;
}

Result<> check_unchanged(const Configuration& now, const Configuration& next) {
  const std::pair<const char*, bool> members[] = {
      {"bundle_policy", now.bundle_policy == next.bundle_policy},
      {"local", is_same(now.local, next.local)},
      {"remote_address_filter",
       both_or_none(now.remote_address_filter, next.remote_address_filter)},
      {"address_rewrites", now.address_rewrites == next.address_rewrites},
      {"nomination", now.nomination == next.nomination},
      {"consent", now.consent == next.consent},
      {"ice_patience", now.ice_patience == next.ice_patience},
      {"max_message_size", now.max_message_size == next.max_message_size},
      {"send_queue", now.send_queue == next.send_queue},
      {"send_buffer", now.send_buffer == next.send_buffer},
      {"receive_buffer", now.receive_buffer == next.receive_buffer},
      {"mtu", now.mtu == next.mtu},
  };
  for (const auto& [name, is_same] : members) {
    if (is_same) continue;
    return fail(Errc::kInvalidModification,
                std::string(name) + " cannot change: begin with what configuration() returns");
  }
  return {};
}

}  // namespace

Result<> Connection::set_configuration(const Configuration& next) {
  if (closed_) return fail(Errc::kInvalidState, "the connection is closed");
  auto servers = ice::parse_servers(next.ice_servers);
  if (!servers) return forward(servers);
  const dtls::Identity* certificate = next.certificate.get();
  if (certificate != nullptr && certificate->certificate() != transport_.identity().certificate()) {
    return fail(Errc::kInvalidModification,
                "certificate cannot change: it is who this connection is to its peer");
  }
  if (auto ok = check_unchanged(configuration_, next); !ok) return ok;
  const bool has_description = gathered_ || negotiation_.local();
  if (has_description && next.ice_candidate_pool_size != configuration_.ice_candidate_pool_size) {
    return fail(Errc::kInvalidModification,
                "ice_candidate_pool_size cannot change once a local description was set");
  }
  configuration_.ice_candidate_pool_size = next.ice_candidate_pool_size;
  const auto before = ice::parse_servers(configuration_.ice_servers);
  const bool changes = *servers != *before ||
                       next.ice_transport_policy != configuration_.ice_transport_policy ||
                       next.ice_server_trust != configuration_.ice_server_trust;
  if (changes) exchange_servers(next, *std::move(servers));
  if (!has_description && next.ice_candidate_pool_size > 0) fill_pool();
  pump_.wake();
  return {};
}

void Connection::exchange_servers(const Configuration& next, std::vector<ice::Server> servers) {
  configuration_.ice_servers = next.ice_servers;
  configuration_.ice_transport_policy = next.ice_transport_policy;
  configuration_.ice_server_trust = next.ice_server_trust;
  transport_.ice().set_servers(std::move(servers));
  agent_network_.set_policy(next.ice_transport_policy);
  agent_network_.set_trust(next.ice_server_trust);
  ++configuration_version_;
  // RFC 8829 section 4.1.18: pooled candidates are discarded, and others gathered in their place.
  if (pooled_ && !gathered_) {
    transport_.ice().gather_again(pump_.now());
    gathered_version_ = configuration_version_;
  }
}

/// RFC 8829 section 3.5.4.
void Connection::fill_pool() {
  if (gathered_ || std::exchange(pooled_, true)) return;
  gathered_version_ = configuration_version_;
  agent_network_.gather();
  pump_.wake();
}

}  // namespace floe
