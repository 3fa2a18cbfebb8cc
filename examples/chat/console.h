#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace chat {

/// What the person sees: the conversation on the standard output, all else on the standard error.
class Console {
 public:
  explicit Console(bool verbose);

  /// A line of the conversation.
  void say(std::string_view name, std::string_view text);
  void note(std::string_view text);
  void error(std::string_view text);
  /// A bar that is redrawn on a terminal; elsewhere a line for each quarter.
  void progress(std::string_view what, std::uint64_t done, std::uint64_t total, double seconds);

 private:
  void erase_bar();

  bool is_terminal_;
  bool has_bar_ = false;
  std::map<std::string, int, std::less<>> quarters_;  ///< The last one told of each.
};

/// `text` without what would steer the terminal it is shown on.
std::string printable(std::string_view text);
/// "12.3 MB"
std::string show_bytes(std::uint64_t bytes);
/// Megabytes (10^6) a second; 0 when no time has passed.
double megabytes_per_second(std::uint64_t bytes, double seconds);

}  // namespace chat
