#include "printer.h"

#include <fmt/core.h>

#include <chrono>
#include <cstdio>
#include <utility>

namespace trickle_ice {
namespace {

using floe::ice::Candidate;

double milliseconds(floe::Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

std::string protocol(const Candidate& candidate) {
  std::string text(to_string(candidate.protocol));
  if (candidate.tcp_type) text += fmt::format(" {}", to_string(*candidate.tcp_type));
  return text;
}

std::string address(const Candidate& candidate) {
  return candidate.hostname.empty() ? candidate.endpoint.address.to_string() : candidate.hostname;
}

/// RFC 8445 section 5.1.2.1: type preference, local preference, component.
std::string priority(const Candidate& candidate) {
  return fmt::format("{} | {} | {}", candidate.priority >> 24, candidate.priority >> 8 & 0xffff,
                     256 - (candidate.priority & 0xff));
}

void print(const std::string& line) {
  std::fputs((line + '\n').c_str(), stdout);
  std::fflush(stdout);
}

}  // namespace

nlohmann::json to_json(const Found& found) {
  const Candidate& candidate = found.candidate;
  nlohmann::json line{
      {"ms", milliseconds(found.after)},           {"type", to_string(candidate.type)},
      {"protocol", to_string(candidate.protocol)}, {"address", address(candidate)},
      {"port", candidate.endpoint.port},           {"priority", candidate.priority},
      {"component", candidate.component},          {"foundation", candidate.foundation},
      {"candidate", candidate.to_string()}};
  if (candidate.tcp_type) line["tcpType"] = to_string(*candidate.tcp_type);
  if (candidate.related) line["related"] = candidate.related->to_string();
  if (!found.url.empty()) line["url"] = found.url;
  return {{"candidate", line}};
}

nlohmann::json to_json(const Failed& failed) {
  nlohmann::json line{{"ms", milliseconds(failed.after)},
                      {"url", failed.server.url},
                      {"code", failed.server.code},
                      {"text", failed.server.text}};
  if (failed.server.local) line["address"] = failed.server.local->to_string();
  return {{"error", line}};
}

nlohmann::json to_json(const Outcome& outcome) {
  return {{"done",
           {{"ms", milliseconds(outcome.after)},
            {"timedOut", outcome.timed_out},
            {"fruitless", outcome.fruitless}}}};
}

void JsonPrinter::on_found(const Found& found) {
  print(to_json(found).dump());
}
void JsonPrinter::on_failed(const Failed& failed) {
  print(to_json(failed).dump());
}
void JsonPrinter::on_outcome(const Outcome& outcome) {
  print(to_json(outcome).dump());
}

void TablePrinter::print_header() {
  if (std::exchange(header_, true)) return;
  print(fmt::format("{:>8}  {:<6} {:<9} {:<46} {:<19} {}", "ms", "type", "protocol", "address",
                    "priority", "from"));
}

void TablePrinter::on_found(const Found& found) {
  print_header();
  ++candidates_;
  const Candidate& candidate = found.candidate;
  const std::string where = candidate.hostname.empty()
                                ? candidate.endpoint.to_string()
                                : fmt::format("{}:{}", candidate.hostname, candidate.endpoint.port);
  print(fmt::format("{:>8.1f}  {:<6} {:<9} {:<46} {:<19} {}", milliseconds(found.after),
                    to_string(candidate.type), protocol(candidate), where, priority(candidate),
                    found.url));
  if (found.url.empty()) return;
  std::string& yields = yields_[found.url];
  if (!yields.empty()) yields += ", ";
  yields += fmt::format("{} {} in {:.0f} ms", to_string(candidate.type), where,
                        milliseconds(found.after));
}

void TablePrinter::on_failed(const Failed& failed) {
  print_header();
  const std::string from = failed.server.local ? failed.server.local->to_string() : "";
  print(fmt::format("{:>8.1f}  {:<6} {:<9} {:<46} {} {}", milliseconds(failed.after), "error", "",
                    from, failed.server.code, failed.server.text));
  errors_[failed.server.url] = fmt::format("{} {}", failed.server.code, failed.server.text);
}

void TablePrinter::on_outcome(const Outcome& outcome) {
  print("");
  for (const auto& [url, yields] : yields_) print(fmt::format("{}: {}", url, yields));
  for (const std::string& url : outcome.fruitless) {
    const auto error = errors_.find(url);
    // Without an error it has answered, with an address that is known already: there is no NAT.
    print(fmt::format("{}: {}", url,
                      error != errors_.end() ? error->second
                      : outcome.timed_out    ? "nothing in time"
                                             : "answered, and yielded nothing new"));
  }
  print(fmt::format("{} candidates after {:.0f} ms{}", candidates_, milliseconds(outcome.after),
                    outcome.timed_out ? " (--timeout)" : ""));
}

}  // namespace trickle_ice
