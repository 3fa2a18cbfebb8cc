#include "output.h"

#include <cstdio>
#include <string>

namespace peer_stdio {

void Output::event(std::string_view name, const Json& members) {
  Json line{{"event", name}};
  line.update(members);
  // What is no UTF-8 comes from a label or an error's text of the peer's; it is shown as U+FFFD.
  const std::string text = line.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

}  // namespace peer_stdio
