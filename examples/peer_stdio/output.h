#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace peer_stdio {

/// Members stay in the order in which they were added, so that lines read well.
using Json = nlohmann::ordered_json;

/// The standard output: one JSON object a line, each written at once. Whoever does not read it
/// stops the program.
class Output {
 public:
  void event(std::string_view name, const Json& members = Json::object());
};

}  // namespace peer_stdio
