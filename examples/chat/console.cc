#include "console.h"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <uv.h>

#include <cstdio>

namespace chat {

Console::Console(bool verbose) : is_terminal_(uv_guess_handle(2) == UV_TTY) {
  spdlog::set_default_logger(spdlog::stderr_color_mt("chat"));
  spdlog::set_level(verbose ? spdlog::level::debug : spdlog::level::info);
  spdlog::set_pattern("%T.%e %^%v%$");
}

void Console::say(std::string_view name, std::string_view text) {
  erase_bar();
  fmt::print("{}: {}\n", printable(name), printable(text));
  std::fflush(stdout);
}

void Console::note(std::string_view text) {
  erase_bar();
  spdlog::info("{}", text);
}

void Console::error(std::string_view text) {
  erase_bar();
  spdlog::error("chat: {}", text);
}

void Console::progress(std::string_view what, std::uint64_t done, std::uint64_t total,
                       double seconds) {
  const double part = total == 0 ? 1 : static_cast<double>(done) / static_cast<double>(total);
  const std::string numbers = fmt::format("{:3.0f} % of {}, {:.1f} MB/s", part * 100,
                                          show_bytes(total), megabytes_per_second(done, seconds));
  if (is_terminal_) {
    constexpr std::size_t kWidth = 30;
    const auto filled = static_cast<std::size_t>(part * kWidth);
    fmt::print(stderr, "\r\x1b[K{} [{:<{}}] {}", what, std::string(filled, '#'), kWidth, numbers);
    std::fflush(stderr);
    has_bar_ = true;
    return;
  }
  const int quarter = static_cast<int>(part * 4);
  int& told = quarters_[std::string(what)];
  if (quarter == told) return;
  told = quarter;
  note(fmt::format("{}: {}", what, numbers));
}

void Console::erase_bar() {
  if (!has_bar_) return;
  has_bar_ = false;
  fmt::print(stderr, "\r\x1b[K");
  std::fflush(stderr);
}

std::string printable(std::string_view text) {
  std::string shown;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : 0);
    if (byte == 0xC2 && next >= 0x80 && next < 0xA0) {  // U+0080 to U+009F
      shown += '?';
      ++i;
    } else {
      shown += (byte < 0x20 && byte != '\t') || byte == 0x7F ? '?' : text[i];
    }
  }
  return shown;
}

std::string show_bytes(std::uint64_t bytes) {
  if (bytes < 10'000) return fmt::format("{} bytes", bytes);
  return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
}

double megabytes_per_second(std::uint64_t bytes, double seconds) {
  return seconds > 0 ? static_cast<double>(bytes) / 1e6 / seconds : 0;
}

}  // namespace chat
