#pragma once

#include <memory>
#include <utility>

namespace floe::c {

/// What a handler of C++ keeps of a C handle: whether it is still there. A handler may free the
/// handle it is called for while floe is about to call the next one.
template <typename Handle>
class Link {
 public:
  explicit Link(Handle& handle) : handle_(std::make_shared<Handle*>(&handle)) {}
  ~Link() { *handle_ = nullptr; }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  /// Points to NULL once the handle was freed.
  std::shared_ptr<Handle* const> get() const { return handle_; }

 private:
  std::shared_ptr<Handle*> handle_;
};

/// A C++ handler that calls `body(handle, arguments...)` while there is a handle.
template <typename Handle, typename Body>
auto while_linked(const Link<Handle>& link, Body body) {
  return [handle = link.get(), body](auto&&... arguments) {
    if (*handle != nullptr) body(**handle, std::forward<decltype(arguments)>(arguments)...);
  };
}

}  // namespace floe::c
