#include "floe/port_mapping/service.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "floe/port_mapping/http_exchange.h"

namespace floe::port_mapping {
namespace {

// Multicast searches leave the home network in no case (UPnP Device Architecture 1.1: 2).
constexpr std::uint8_t kSearchHops = 2;
// Interfaces with routers that are listened on for announcements.
constexpr std::size_t kMaxListeners = 8;

}  // namespace

/// One mapping with its sockets. It lives until the router was told that the mapping ends.
class Service::Task final : private net::UdpHandler {
 public:
  Task(Service& service, const Request& request, Callback callback)
      : service_(service),
        network_(service.network_),
        request_(request),
        callback_(std::move(callback)) {
    timer_ = network_.create_timer([this] { turn(); });
  }

  void start() {
    if (Result<> opened = open(); !opened) error_ = opened.error();
    timer_->arm(network_.now());
  }
  /// Calls back no more; the service forgets the task when it is done.
  void release() {
    callback_ = nullptr;
    const Time now = network_.now();
    released_at_ = now;
    if (mapper_) mapper_->release(now);
    timer_->arm(now);
  }
  void announce(const net::Datagram& datagram) {
    if (!mapper_) return;
    mapper_->handle_announcement(network_.now(), datagram);
    timer_->arm(network_.now());
  }
  /// The service ends: what one packet can do.
  void say_goodbye() {
    if (!mapper_) return;
    mapper_->release(network_.now());
    flush(network_.now());
  }

 private:
  Result<> open() {
    if (request_.internal.address.is_unspecified() || request_.internal.port == 0) {
      return fail(Errc::kInvalidArgument, "a port mapping needs an address and a port, not " +
                                              request_.internal.to_string());
    }
    const Result<net::DefaultRoute> route = service_.router_for(request_.internal.address);
    if (!route) return forward(route);
    router_ = route->gateway;
    net::UdpOptions options;
    options.bind = {request_.internal.address, 0};
    Result<std::unique_ptr<net::UdpSocket>> socket = network_.open_udp(options, *this);
    if (!socket) return forward(socket);
    socket_ = std::move(*socket);
    Mapper::Configuration configuration{request_, router_, socket_->id(), net::kNoSocket,
                                        service_.configuration_.methods};
    if (router_.is_v4()) {
      options.multicast = net::Multicast{{}, route->interface, kSearchHops, false};
      socket = network_.open_udp(options, *this);
      if (!socket) return forward(socket);
      search_socket_ = std::move(*socket);
      configuration.search_socket = search_socket_->id();
      service_.listen(route->interface);
    }
    mapper_.emplace(configuration, network_.random());
    mapper_->start(network_.now());
    return {};
  }

  void on_datagrams(std::span<net::Datagram> datagrams) override {
    if (!mapper_) return;
    for (const net::Datagram& datagram : datagrams) {
      mapper_->handle_packet(network_.now(), datagram);
    }
    turn();
  }

  void flush(Time now) {
    net::SendBatch& batch = network_.batch();
    mapper_->poll_transmit(now, batch);
    if (batch.empty()) return;
    network_.send(batch);
    batch.clear();
  }

  void turn() {
    if (!mapper_) {
      if (released_at_) return service_.forget(*this);
      return tell(tl::unexpected<Error>(*error_));
    }
    const Time now = network_.now();
    mapper_->handle_timeout(now);
    flush(now);
    if (std::optional<HttpRequest> request = mapper_->poll_request()) {
      exchange_ = std::make_unique<HttpExchange>(
          network_, request_.internal.address, std::move(*request),
          [this](Result<HttpResponse> response) {
            exchange_.reset();
            mapper_->handle_response(network_.now(), std::move(response));
            turn();
          });
    }
    Time next = mapper_->next_timeout();
    if (released_at_) {
      if (mapper_->released() || now >= *released_at_ + kGoodbye) return service_.forget(*this);
      next = std::min(next, *released_at_ + kGoodbye);
    }
    timer_->arm(next);
    if (std::optional<Mapper::Event> event = mapper_->poll_event()) {
      timer_->arm(now);  // There may be more.
      tell(result_of(*event));
    }
  }

  Result<External> result_of(const Mapper::Event& event) const {
    if (const auto* mapped = std::get_if<Mapper::Mapped>(&event)) {
      return External{mapped->lease.external, mapped->method, router_, mapped->lease.lifetime};
    }
    return tl::unexpected<Error>(std::get<Mapper::Failed>(event).error);
  }

  void tell(Result<External> result) {
    const Callback callback = callback_;  // A copy: the call may end this task.
    if (callback) callback(std::move(result));
  }

  Service& service_;
  net::Network& network_;
  Request request_;
  Callback callback_;
  net::Address router_;
  std::optional<Error> error_;
  std::unique_ptr<net::UdpSocket> socket_;
  std::unique_ptr<net::UdpSocket> search_socket_;
  std::optional<Mapper> mapper_;
  std::unique_ptr<HttpExchange> exchange_;
  std::unique_ptr<net::Timer> timer_;
  std::optional<Time> released_at_;
};

class Service::Handle final : public Mapping {
 public:
  Handle(std::shared_ptr<Service*> service, Task* task)
      : service_(std::move(service)), task_(task) {}
  ~Handle() override {
    if (*service_ != nullptr && task_ != nullptr) task_->release();
  }
  /// For an error that is known without a task.
  void fail_later(net::Network& network, Callback callback, Error error) {
    timer_ = network.create_timer([callback = std::move(callback), error = std::move(error)] {
      // Copies: the call may destroy the timer, and these with it.
      const Callback call = callback;
      call(tl::unexpected<Error>(Error(error)));
    });
    timer_->arm(network.now());
  }

 private:
  std::shared_ptr<Service*> service_;
  Task* task_;
  std::unique_ptr<net::Timer> timer_;
};

/// Hears what routers tell everybody.
class Service::Listener final : private net::UdpHandler {
 public:
  Listener(Service& service, std::string interface)
      : service_(service), interface_(std::move(interface)) {
    net::UdpOptions options;
    options.bind = {net::Address::unspecified(net::Family::kIpv4), kAnnouncementPort};
    options.reuse_address = true;
    options.multicast = net::Multicast{{net::Address::v4(224, 0, 0, 1)}, interface_, 1, false};
    // Without it a restart is noticed at the next renewal.
    Result<std::unique_ptr<net::UdpSocket>> socket = service.network_.open_udp(options, *this);
    if (socket) socket_ = std::move(*socket);
  }
  const std::string& interface() const { return interface_; }

 private:
  void on_datagrams(std::span<net::Datagram> datagrams) override {
    for (const net::Datagram& datagram : datagrams) service_.announce(datagram);
  }

  Service& service_;
  std::string interface_;
  std::unique_ptr<net::UdpSocket> socket_;
};

Service::Service(net::Network& network, Configuration configuration)
    : network_(network), configuration_(configuration), self_(std::make_shared<Service*>(this)) {}

Service::~Service() {
  for (const std::unique_ptr<Task>& task : tasks_) task->say_goodbye();
  *self_ = nullptr;
}

std::unique_ptr<Mapping> Service::map(const net::Endpoint& internal, Protocol protocol,
                                      Callback callback) {
  if (tasks_.size() >= kMaxMappings) {
    auto handle = std::make_unique<Handle>(self_, nullptr);
    handle->fail_later(network_, std::move(callback),
                       {Errc::kLimitExceeded, "there are " + std::to_string(kMaxMappings) +
                                                  " port mappings already; destroy some"});
    return handle;
  }
  const Request request{internal, protocol};
  tasks_.push_back(std::make_unique<Task>(*this, request, std::move(callback)));
  Task& task = *tasks_.back();
  task.start();
  return std::make_unique<Handle>(self_, &task);
}

Result<net::DefaultRoute> Service::router_for(const net::Address& internal) {
  const std::vector<net::Interface> interfaces = network_.interfaces();
  const auto own = std::ranges::find_if(
      interfaces, [&](const net::Interface& i) { return i.address == internal; });
  if (own == interfaces.end()) {
    return fail(Errc::kAddressNotAvailable,
                internal.to_string() + " is not an address of this machine");
  }
  for (const net::DefaultRoute& route : network_.gateways()) {
    if (route.gateway.family() == internal.family() && route.interface == own->name) return route;
  }
  return fail(Errc::kNotFound, "no default router is known on " + own->name +
                                   ", so nobody can be asked to map a port of " +
                                   internal.to_string());
}

void Service::listen(const std::string& interface) {
  const bool is_known = std::ranges::any_of(
      listeners_, [&](const auto& listener) { return listener->interface() == interface; });
  if (is_known || listeners_.size() == kMaxListeners) return;
  listeners_.push_back(std::make_unique<Listener>(*this, interface));
}

void Service::announce(const net::Datagram& datagram) {
  for (const std::unique_ptr<Task>& task : tasks_) task->announce(datagram);
}

void Service::forget(Task& task) {
  std::erase_if(tasks_, [&](const auto& one) { return one.get() == &task; });
}

}  // namespace floe::port_mapping
