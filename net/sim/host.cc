#include "floe/net/sim/host.h"

#include <algorithm>
#include <utility>

#include "floe/core/check.h"
#include "floe/net/sim/internal/tcp_stack.h"
#include "floe/net/sim/internal/timer.h"
#include "floe/net/sim/internal/udp_stack.h"
#include "floe/net/sim/world.h"

// What the host is to its application; how packets find their way is in host_routing.cc.
namespace floe::net::sim {
namespace {

Error lookup_error(DnsFailure failure, const std::string& name) {
  if (failure == DnsFailure::kServerFailure) {
    return {Errc::kInternal, "the name server failed on " + name};
  }
  return {Errc::kNotFound, "there is no host named " + name};
}

}  // namespace

Host::Host(World& world, Fabric& fabric, std::string name)
    : world_(world),
      fabric_(fabric),
      name_(std::move(name)),
      random_(fabric.seed_for(name_)),
      system_random_(fabric.seed_for(name_ + "/system")),
      loopback_place_(fabric.add_place(name_ + "/lo")),
      udp_(std::make_unique<UdpStack>(*this)),
      tcp_(std::make_unique<TcpStack>(*this)) {}

Host::~Host() = default;

Attachment& Host::attach(const InterfaceOptions& options) {
  FLOE_CHECK(options.behind == nullptr || options.on == nullptr);
  FLOE_CHECK(std::ranges::find(nics_, options.name, &Nic::name) == nics_.end());
  Subnet& subnet = options.on != nullptr       ? *options.on
                   : options.behind != nullptr ? options.behind->inside()
                                               : world_.internet();
  auto attachment = std::make_unique<Attachment>(fabric_, *this, subnet, name_ + "/" + options.name,
                                                 options.link);
  std::vector<Address> addresses = options.addresses;
  if (addresses.empty()) {
    if (options.stack != Stack::kIpv6) addresses.push_back(subnet.allocate(Family::kIpv4));
    if (options.stack != Stack::kIpv4) addresses.push_back(subnet.allocate(Family::kIpv6));
  }
  attachment->set_addresses(addresses);
  nics_.push_back({options.name, options.kind, ++last_index_, std::move(attachment)});
  tell_watches();
  return *nics_.back().attachment;
}

Host::Nic& Host::nic(std::string_view interface_name) {
  const auto found =
      interface_name.empty() ? nics_.begin() : std::ranges::find(nics_, interface_name, &Nic::name);
  FLOE_CHECK(found != nics_.end());
  return *found;
}

Attachment& Host::interface(std::string_view name) {
  return *nic(name).attachment;
}

void Host::detach(std::string_view interface_name) {
  Nic& gone = nic(interface_name);
  gone.attachment->set_up(false);
  gone.attachment->set_addresses({});
  detached_.push_back(std::move(gone.attachment));
  nics_.erase(nics_.begin() + (&gone - nics_.data()));
  tell_watches();
}

void Host::sleep_for(Duration duration) {
  wakes_at_ = std::max(wakes_at_, now() + duration);
}

void Host::set_receive_buffer(std::size_t bytes) {
  udp_->set_receive_buffer(bytes);
}

void Host::set_stream_split(double probability) {
  tcp_->set_split(probability);
}

std::vector<Interface> Host::interfaces() {
  std::vector<Interface> list;
  list.push_back({"lo", Address::v4(127, 0, 0, 1), 8, InterfaceKind::kLoopback});
  list.push_back({"lo", *Address::parse("::1"), 128, InterfaceKind::kLoopback});
  for (const Nic& nic : nics_) {
    if (!nic.attachment->up()) continue;
    for (Address address : nic.attachment->addresses()) {
      const auto& block = nic.attachment->subnet().block(address.family());
      std::uint8_t length = block ? block->length : 24;
      if (address.is_link_local()) {
        if (address.is_v6()) address = Address::v6(address.bytes().first<16>(), nic.index);
        length = address.is_v6() ? 64 : 16;
      }
      list.push_back({nic.name, address, length, nic.kind});
    }
  }
  return list;
}

std::unique_ptr<InterfaceWatch> Host::watch_interfaces(std::function<void()> changed) {
  return std::make_unique<HostWatch>(*this, std::make_shared<HostEvent>(*this, std::move(changed)));
}

void Host::tell_watches() {
  for (const std::shared_ptr<HostEvent>& watch : watches_) watch->arm(now());
}

std::vector<DefaultRoute> Host::gateways() {
  std::vector<DefaultRoute> routes;
  for (const Nic& nic : nics_) {
    if (!nic.attachment->up()) continue;
    for (const Family family : {Family::kIpv4, Family::kIpv6}) {
      const auto& gateway = nic.attachment->subnet().gateway_address(family);
      if (gateway && nic.attachment->has(family)) routes.push_back({*gateway, nic.name});
    }
  }
  return routes;
}

Result<std::unique_ptr<UdpSocket>> Host::open_udp(const UdpOptions& options, UdpHandler& handler) {
  return udp_->open(options, handler);
}

void Host::send_packets(SendBatch& batch) {
  for (const SendBatch::Run& run : batch.runs()) {
    if (is_sink(run.route.socket)) continue;
    std::optional<Error> refused;
    if (send_failure_) refused = send_failure_(run.route);
    if (!refused) refused = udp_->send(batch, run);
    if (!refused) refused = tcp_->send(batch, run);
    if (refused) batch.failures().push_back({run.route, *std::move(refused)});
  }
}

Result<std::unique_ptr<Stream>> Host::connect(const Endpoint& remote, std::optional<Endpoint> local,
                                              StreamHandler& handler) {
  return tcp_->connect(remote, local, handler);
}

Result<std::unique_ptr<Listener>> Host::listen(const Endpoint& local, ListenerHandler& handler) {
  return tcp_->listen(local, handler);
}

std::unique_ptr<Timer> Host::create_timer(std::function<void()> callback) {
  return std::make_unique<HostTimer>(std::make_shared<HostEvent>(*this, std::move(callback)));
}

Dns::Answer Host::resolve(std::string_view name) const {
  for (const Nic& nic : nics_) {
    const auto& dns64 = nic.attachment->subnet().nat64_prefix();
    if (nic.attachment->up() && dns64) return world_.dns().resolve(name, *dns64);
  }
  return world_.dns().resolve(name);
}

std::unique_ptr<Lookup> Host::lookup(std::string_view name, LookupCallback callback) {
  const Dns::Answer answer = resolve(name);
  const bool online = std::ranges::any_of(nics_, [](const Nic& n) { return n.attachment->up(); });
  Duration latency = answer.latency;
  Result<std::vector<Address>> result = answer.addresses;
  if (!answer.is_local && !online) {
    result = fail(Errc::kUnreachable, "no interface is up to look up " + std::string(name));
    latency = {};
  } else if (answer.failure) {
    result = tl::unexpected(lookup_error(*answer.failure, std::string(name)));
  }
  auto event = std::make_shared<HostEvent>(
      *this, [callback = std::move(callback), result = std::move(result)] { callback(result); });
  if (answer.failure != DnsFailure::kNoAnswer || !online) event->arm(now() + latency);
  return std::make_unique<HostLookup>(std::move(event));
}

void Host::post(std::function<void()> task) {
  world_.post(*this, std::move(task));
}

}  // namespace floe::net::sim
