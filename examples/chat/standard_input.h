#pragma once

#include <uv.h>

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace chat {

/// The standard input, line by line, be it a terminal, a pipe or a file. It reads nothing until
/// `resume`.
class StandardInput {
 public:
  static constexpr std::size_t kMaxLine = 16 * 1024;

  /// A line longer than `max_line` bytes arrives in pieces.
  StandardInput(uv_loop_t& loop, std::function<void(std::string_view)> on_line,
                std::function<void()> on_end, std::size_t max_line = kMaxLine);
  ~StandardInput();
  StandardInput(const StandardInput&) = delete;
  StandardInput& operator=(const StandardInput&) = delete;

  void resume();
  /// Lines that have been read already, at most 64 KiB of them, still come.
  void pause();

 private:
  struct Source;

  void take(std::string_view text);
  void end();
  void deliver_line(std::string_view line);

  std::function<void(std::string_view)> on_line_;
  std::function<void()> on_end_;
  const std::size_t max_line_;
  std::string partial_;
  bool ended_ = false;
  Source* source_;  ///< Belongs to the loop, which frees it when its handle is closed.
};

}  // namespace chat
