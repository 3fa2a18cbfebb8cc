#include "summary.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include "console.h"

namespace chat {
namespace {

using nlohmann::json;

double milliseconds(floe::Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

json milliseconds(const std::optional<floe::Duration>& duration) {
  return duration ? json(milliseconds(*duration)) : json(nullptr);
}

json to_json(const PathEnd& end) {
  return {{"type", end.type}, {"address", end.address}};
}

json to_json(const TransferReport& file) {
  return {{"direction", file.sent ? "sent" : "received"},
          {"name", file.name},
          {"bytes", file.bytes},
          {"seconds", file.seconds},
          {"megabytes_per_second", megabytes_per_second(file.bytes, file.seconds)},
          {"sha256", file.sha256},
          {"sha256_ok", file.sha256_ok},
          {"error", file.error}};
}

}  // namespace

floe::Result<> write_summary(const Summary& summary, const std::string& path) {
  json out{{"peer", summary.peer},
           {"exit_code", summary.exit_code},
           {"selected_pair", nullptr},
           {"files", json::array()},
           {"phases_ms",
            {{"signaling", milliseconds(summary.phases.signaling)},
             {"gathering", milliseconds(summary.phases.gathering)},
             {"ice", milliseconds(summary.phases.ice)},
             {"dtls", milliseconds(summary.phases.dtls)},
             {"channel", milliseconds(summary.phases.channel)}}}};
  if (const auto& pair = summary.selected_pair) {
    out["selected_pair"] = {{"local", to_json(pair->local)},
                            {"remote", to_json(pair->remote)},
                            {"round_trip_ms", milliseconds(pair->round_trip)}};
  }
  for (const TransferReport& file : summary.files) out["files"].push_back(to_json(file));

  std::ofstream stream(path, std::ios::trunc);
  // Names come from outside and need not be UTF-8.
  stream << out.dump(2, ' ', false, json::error_handler_t::replace) << '\n';
  stream.close();
  if (!stream) {
    return floe::fail(floe::Errc::kInvalidArgument, "cannot write the summary to " + path);
  }
  return {};
}

}  // namespace chat
