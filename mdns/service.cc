#include "floe/mdns/service.h"

#include <algorithm>
#include <utility>

namespace floe::mdns {
namespace {

// RFC 6762 section 11.
constexpr std::uint8_t kHops = 255;
// Events in one turn, so that others have the loop too.
constexpr int kMaxEventsPerTurn = 64;

}  // namespace

class Service::Name final : public Registration {
 public:
  Name(std::shared_ptr<Service*> service, std::string name, Renamed renamed)
      : service_(std::move(service)), name_(std::move(name)), renamed_(std::move(renamed)) {}
  ~Name() override {
    if (*service_ == nullptr || name_.empty()) return;
    Service& service = **service_;
    service.names_.erase(name_);
    service.responder_.withdraw(service.network_.now(), name_);
    service.wake();
  }
  const std::string& name() const override { return name_; }
  void rename(std::string name) {
    name_ = std::move(name);
    const Renamed renamed = renamed_;  // A copy: the call may destroy this.
    if (renamed) renamed(std::string(name_));
  }

 private:
  std::shared_ptr<Service*> service_;
  std::string name_;
  Renamed renamed_;
};

class Service::Answer final : public Resolution {
 public:
  Answer(std::shared_ptr<Service*> service, Callback callback)
      : service_(std::move(service)), callback_(std::move(callback)) {}
  ~Answer() override {
    if (timer_ != nullptr || !id_ || *service_ == nullptr) return;
    (*service_)->answers_.erase(*id_);
    (*service_)->querier_.cancel(*id_);
  }
  void wait_for(LookupId id) { id_ = id; }
  /// For an error that is known already; callbacks never come from within a call.
  void fail_later(net::Network& network, Error error) {
    timer_ = network.create_timer([this, error] { finish(tl::unexpected<Error>(error)); });
    timer_->arm(network.now());
  }
  void finish(Result<std::vector<net::Address>> result) {
    id_.reset();
    const Callback callback = std::move(callback_);
    callback(std::move(result));
  }

 private:
  std::shared_ptr<Service*> service_;
  Callback callback_;
  std::optional<LookupId> id_;
  std::unique_ptr<net::Timer> timer_;
};

std::unique_ptr<Service> Service::create(net::Network& network, Configuration configuration) {
  std::unique_ptr<Service> service(new Service(network, std::move(configuration)));
  service->open_links();
  return service;
}

Service::Service(net::Network& network, Configuration configuration)
    : network_(network),
      configuration_(std::move(configuration)),
      responder_(configuration_.responder, network.random()),
      querier_(configuration_.querier),
      self_(std::make_shared<Service*>(this)) {
  timer_ = network_.create_timer([this] { turn(); });
  watch_ = network_.watch_interfaces([this] {
    open_links();
    turn();
  });
}

Service::~Service() {
  const Time now = network_.now();
  responder_.withdraw_all(now);
  flush(now);
  *self_ = nullptr;
}

void Service::open_links() {
  problems_.clear();
  std::vector<LinkSocket> sockets;
  std::vector<Link> links;
  const std::vector<net::Interface> interfaces = network_.interfaces();
  for (const net::Interface& interface : interfaces) {
    const net::Family family = interface.address.family();
    if (!(family == net::Family::kIpv4 ? configuration_.ipv4 : configuration_.ipv6)) continue;
    if (configuration_.filter ? !configuration_.filter(interface)
                              : interface.kind == net::InterfaceKind::kLoopback) {
      continue;
    }
    const auto is_this = [&](const LinkSocket& one) {
      return one.interface == interface.name && one.family == family;
    };
    if (std::ranges::any_of(sockets, is_this) || sockets.size() == kMaxLinks) continue;
    Link link;
    link.family = family;
    std::ranges::copy_if(interfaces, std::back_inserter(link.addresses),
                         [&](const net::Interface& one) { return one.name == interface.name; });
    if (const auto open = std::ranges::find_if(sockets_, is_this); open != sockets_.end()) {
      link.socket = open->socket->id();
      sockets.push_back(std::move(*open));
      sockets_.erase(open);
    } else {
      net::UdpOptions options;
      options.bind = {net::Address::unspecified(family), kPort};
      options.reuse_address = true;
      options.multicast = net::Multicast{{group(family)}, interface.name, kHops, true};
      Result<std::unique_ptr<net::UdpSocket>> socket = network_.open_udp(options, *this);
      if (!socket) {
        problems_.push_back("no multicast DNS on " + interface.name + ": " +
                            socket.error().message);
        continue;
      }
      link.socket = (*socket)->id();
      sockets.push_back({interface.name, family, std::move(*socket)});
    }
    links.push_back(std::move(link));
  }
  sockets_ = std::move(sockets);
  links_ = std::move(links);
  responder_.set_links(network_.now(), links_);
  querier_.set_links(links_);
}

Result<std::unique_ptr<Registration>> Service::register_name(const net::Address& address,
                                                             Renamed renamed) {
  Result<std::string> name = responder_.register_name(network_.now(), address);
  if (!name) return forward(name);
  auto registration = std::make_unique<Name>(self_, *name, std::move(renamed));
  names_[*name] = registration.get();
  wake();
  return registration;
}

std::unique_ptr<Resolution> Service::resolve(std::string_view name, Callback callback) {
  auto answer = std::make_unique<Answer>(self_, std::move(callback));
  if (const Result<LookupId> id = querier_.resolve(network_.now(), name)) {
    answer->wait_for(*id);
    answers_[*id] = answer.get();
    wake();
  } else {
    answer->fail_later(network_, id.error());
  }
  return answer;
}

void Service::on_datagrams(std::span<net::Datagram> datagrams) {
  const Time now = network_.now();
  for (const net::Datagram& datagram : datagrams) take(now, datagram);
  turn();
}

void Service::take(Time now, const net::Datagram& datagram) {
  const auto link = std::ranges::find(links_, datagram.socket, &Link::socket);
  if (link == links_.end()) return;
  // RFC 6762 section 11. A socket may also get what came for the group on another interface; that
  // is off this link, and the other interface's own socket has it as well.
  if (!link->is_on_link(datagram.source.address)) {
    ++stats_.dropped_off_link;
    return;
  }
  const Result<Message> message = Message::parse(datagram.payload);
  if (!message) {
    ++stats_.dropped_malformed;
  } else if (!message->is_response) {
    responder_.handle_query(now, *message, datagram.source, datagram.socket);
  } else if (datagram.source.port != kPort) {  // RFC 6762 section 6
    ++stats_.dropped_other_port;
  } else {
    responder_.handle_response(now, *message);
    querier_.handle_response(now, *message, datagram.socket);
  }
}

void Service::wake() {
  timer_->arm(network_.now());
}

void Service::flush(Time now) {
  net::SendBatch& batch = network_.batch();
  responder_.poll_transmit(now, batch);
  querier_.poll_transmit(now, batch);
  if (batch.empty()) return;
  network_.send(batch);
  stats_.send_failures += batch.failures().size();
  batch.clear();
}

void Service::turn() {
  const Time now = network_.now();
  responder_.handle_timeout(now);
  querier_.handle_timeout(now);
  flush(now);
  const std::shared_ptr<Service*> self = self_;
  timer_->arm(std::min(responder_.next_timeout(), querier_.next_timeout()));
  for (int events = 0; deliver_event(); ++events) {
    if (*self == nullptr) return;
    if (events == kMaxEventsPerTurn) return wake();
  }
}

bool Service::deliver_event() {
  if (std::optional<Responder::Event> event = responder_.poll_event()) {
    deliver(std::move(*event));
    return true;
  }
  if (std::optional<Querier::Event> event = querier_.poll_event()) {
    deliver(std::move(*event));
    return true;
  }
  return false;
}

void Service::deliver(Responder::Event event) {
  const auto* renamed = std::get_if<Responder::Renamed>(&event);
  const auto found =
      names_.find(renamed != nullptr ? renamed->old_name : std::get<Responder::Lost>(event).name);
  if (found == names_.end()) {
    // The registration ended before it could hear of its new name.
    if (renamed != nullptr) responder_.withdraw(network_.now(), renamed->name);
    return;
  }
  Name& name = *found->second;
  names_.erase(found);
  if (renamed != nullptr) names_[renamed->name] = &name;
  name.rename(renamed != nullptr ? renamed->name : std::string());
}

void Service::deliver(Querier::Event event) {
  const LookupId id = std::visit([](const auto& one) { return one.id; }, event);
  const auto found = answers_.find(id);
  if (found == answers_.end()) return;
  Answer& answer = *found->second;
  answers_.erase(found);
  if (auto* resolved = std::get_if<Querier::Resolved>(&event)) {
    return answer.finish(std::move(resolved->addresses));
  }
  answer.finish(tl::unexpected<Error>(std::get<Querier::Failed>(event).error));
}

Service::Stats Service::stats() const {
  Stats stats = stats_;
  stats.responder = responder_.stats();
  stats.querier = querier_.stats();
  return stats;
}

}  // namespace floe::mdns
