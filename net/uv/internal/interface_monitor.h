#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "floe/net/uv/internal/reactor.h"

namespace floe::net::uv {

/// Tells every watch of one network that interfaces or addresses have come or gone. On Linux the
/// kernel says so (rtnetlink(7)); elsewhere, and where it refuses to, the list is looked at again
/// and again.
class InterfaceMonitor final : public std::enable_shared_from_this<InterfaceMonitor>,
                               private Attachment {
 public:
  /// How often the list is looked at where the system announces nothing: people wait for a call to
  /// come back, and listing costs well below a millisecond.
  static constexpr Duration kPollInterval = std::chrono::seconds(3);

  static std::shared_ptr<InterfaceMonitor> create(std::shared_ptr<Reactor> reactor);
  explicit InterfaceMonitor(std::shared_ptr<Reactor> reactor);
  ~InterfaceMonitor();
  InterfaceMonitor(const InterfaceMonitor&) = delete;
  InterfaceMonitor& operator=(const InterfaceMonitor&) = delete;

  /// `changed` is called until the watch ends. The monitor lives as long as its watches.
  std::unique_ptr<InterfaceWatch> watch(std::function<void()> changed);

 private:
  class Watch;
  struct Handle;
  /// What a number of announcements amount to.
  enum class News { kNone, kLink, kAddress };

  void open();
  void listen();
  void poll_from_time_to_time();
  void detach() override;
  void on_readable();
  News read_announcements();
  bool list_differs();
  void tell();

  std::shared_ptr<Reactor> reactor_;
  int fd_ = -1;
  Handle* handle_ = nullptr;  ///< libuv's; frees itself once libuv has closed it.
  std::unique_ptr<Timer> poll_;
  std::vector<Interface> last_;
  std::vector<std::shared_ptr<std::function<void()>>> watches_;
};

}  // namespace floe::net::uv
