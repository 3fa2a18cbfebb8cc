#include "floe/net/uv/internal/interface_monitor.h"

#include <uv.h>

#ifdef __linux__
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>
#endif

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "floe/net/uv/internal/interfaces.h"

namespace floe::net::uv {
namespace {

/// Reads per turn: a machine whose interfaces never come to rest must not hold the loop.
[[maybe_unused]] constexpr int kMaxReads = 16;

bool is_same(const Interface& a, const Interface& b) {
  return a.name == b.name && a.address == b.address && a.prefix_length == b.prefix_length;
}

}  // namespace

struct InterfaceMonitor::Handle {
  uv_poll_t poll;
  InterfaceMonitor* owner;
  std::shared_ptr<Reactor> reactor;
};

class InterfaceMonitor::Watch final : public InterfaceWatch {
 public:
  Watch(std::shared_ptr<InterfaceMonitor> monitor, std::shared_ptr<std::function<void()>> changed)
      : monitor_(std::move(monitor)), changed_(std::move(changed)) {}
  ~Watch() override {
    // Empty from now on, for a round of calls may hold it as well; what it holds dies here.
    const std::function<void()> gone = std::exchange(*changed_, nullptr);
    std::erase(monitor_->watches_, changed_);
  }

 private:
  std::shared_ptr<InterfaceMonitor> monitor_;
  std::shared_ptr<std::function<void()>> changed_;
};

std::shared_ptr<InterfaceMonitor> InterfaceMonitor::create(std::shared_ptr<Reactor> reactor) {
  auto monitor = std::make_shared<InterfaceMonitor>(std::move(reactor));
  monitor->open();
  return monitor;
}

InterfaceMonitor::InterfaceMonitor(std::shared_ptr<Reactor> reactor)
    : reactor_(std::move(reactor)) {
  reactor_->attach(*this);
}

InterfaceMonitor::~InterfaceMonitor() {
  reactor_->forget(*this);
  detach();
}

std::unique_ptr<InterfaceWatch> InterfaceMonitor::watch(std::function<void()> changed) {
  watches_.push_back(std::make_shared<std::function<void()>>(std::move(changed)));
  return std::make_unique<Watch>(shared_from_this(), watches_.back());
}

void InterfaceMonitor::detach() {
  poll_.reset();
  if (handle_ == nullptr) return;
  handle_->owner = nullptr;
  uv_close(reinterpret_cast<uv_handle_t*>(&std::exchange(handle_, nullptr)->poll),
           [](uv_handle_t* handle) { delete static_cast<Handle*>(handle->data); });
#ifdef __linux__
  ::close(std::exchange(fd_, -1));  // libuv lets go of the descriptor within uv_close.
#endif
}

void InterfaceMonitor::open() {
  list_differs();
#ifdef __linux__
  fd_ = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
  const auto* system = reinterpret_cast<const sockaddr*>(&address);
  auto handle = std::make_unique<Handle>();
  if (fd_ >= 0 && ::bind(fd_, system, sizeof(address)) == 0 &&
      uv_poll_init(reactor_->loop(), &handle->poll, fd_) == 0) {
    handle->poll.data = handle.get();
    handle->owner = this;
    handle->reactor = reactor_;
    handle_ = handle.release();
    return listen();
  }
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
#endif
  poll_ = TimerQueue::create(reactor_, [this] { poll_from_time_to_time(); });
  poll_->arm(reactor_->now() + kPollInterval);
}

void InterfaceMonitor::listen() {
  uv_poll_start(&handle_->poll, UV_READABLE, [](uv_poll_t* poll, int status, int) {
    InterfaceMonitor* owner = static_cast<Handle*>(poll->data)->owner;
    if (owner == nullptr) return;
    if (status < 0) owner->listen();  // Announcements were lost, and libuv has stopped watching.
    owner->on_readable();
  });
}

void InterfaceMonitor::poll_from_time_to_time() {
  poll_->arm(reactor_->now() + kPollInterval);
  if (list_differs()) tell();
}

void InterfaceMonitor::on_readable() {
  const News news = read_announcements();
  // Links announce much that changes no address; an address that went and came back shows in no
  // list, but sockets may have been lost with it.
  if ((list_differs() && news != News::kNone) || news == News::kAddress) tell();
}

InterfaceMonitor::News InterfaceMonitor::read_announcements() {
  News news = News::kNone;
#ifdef __linux__
  alignas(nlmsghdr) std::array<char, 16 * 1024> buffer;
  for (int i = 0; i < kMaxReads; ++i) {
    const ssize_t size = ::recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == ENOBUFS) return News::kAddress;  // Some were lost: anything may be.
    if (size <= 0) break;
    auto left = static_cast<unsigned>(size);
    for (auto* header = reinterpret_cast<nlmsghdr*>(buffer.data()); NLMSG_OK(header, left);
         header = NLMSG_NEXT(header, left)) {
      const auto type = header->nlmsg_type;
      if (type == RTM_NEWADDR || type == RTM_DELADDR) news = News::kAddress;
      if (type == RTM_NEWLINK || type == RTM_DELLINK) news = std::max(news, News::kLink);
    }
  }
#endif
  return news;
}

bool InterfaceMonitor::list_differs() {
  Result<std::vector<Interface>> listed = list_interfaces();
  if (!listed) return false;
  const bool differs = !std::ranges::equal(*listed, last_, is_same);
  last_ = std::move(*listed);
  return differs;
}

void InterfaceMonitor::tell() {
  const auto self = shared_from_this();
  const auto round = watches_;  // A callback may start and end watches.
  for (const auto& changed : round) {
    if (!*changed) continue;
    const std::function<void()> call = *changed;  // It may end its own watch.
    call();
    if (reactor_->closed()) return;
  }
}

}  // namespace floe::net::uv
