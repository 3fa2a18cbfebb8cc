#pragma once

#include <cstddef>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "results.h"

namespace trickle_ice {

/// What a run finds, as JSON: {"candidate": ...}, {"error": ...}, {"done": ...}.
nlohmann::json to_json(const Found& found);
nlohmann::json to_json(const Failed& failed);
nlohmann::json to_json(const Outcome& outcome);

/// Writes one JSON object a line to the standard output.
class JsonPrinter final : public Results {
 public:
  void on_found(const Found& found) override;
  void on_failed(const Failed& failed) override;
  void on_outcome(const Outcome& outcome) override;
};

/// Writes a table to the standard output, line by line as things happen, then a line for each
/// server.
class TablePrinter final : public Results {
 public:
  void on_found(const Found& found) override;
  void on_failed(const Failed& failed) override;
  void on_outcome(const Outcome& outcome) override;

 private:
  void print_header();

  bool header_ = false;
  std::size_t candidates_ = 0;
  std::map<std::string, std::string> yields_;  ///< By server: what it yielded.
  std::map<std::string, std::string> errors_;  ///< By server: why it failed, the last reason.
};

}  // namespace trickle_ice
