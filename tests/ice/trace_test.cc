// The trace as other programs read it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "floe/core/json_writer.h"
#include "floe/ice/trace_json.h"
#include "floe/net/sim/nat.h"
#include "tests/ice/duo.h"

namespace floe::ice {
namespace {

using nlohmann::json;
using testing::HasSubstr;

TEST(IceTrace, IsWellFormedWhateverTheTextsAre) {
  JsonWriter writer;
  writer.begin_object();
  writer.key("quoted \"name\"");
  writer.text("\\ \"\n\t\x01\x7f ü € 😀");
  writer.key("broken");
  writer.begin_array();
  writer.text("\xff|\xc3|\xed\xa0\x80");
  writer.number(18'446'744'073'709'551'615u);
  writer.boolean(true);
  writer.milliseconds(std::chrono::nanoseconds(-1'002'003'999));
  writer.begin_array();
  writer.end_array();
  writer.end_array();
  writer.end_object();
  const json value = json::parse(writer.take());
  EXPECT_EQ(value["quoted \"name\""], "\\ \"\n\t\x01\x7f ü € 😀");
  EXPECT_EQ(value["broken"][0], "\uFFFD|\uFFFD|\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(value["broken"][1], 18'446'744'073'709'551'615u);
  EXPECT_EQ(value["broken"][2], true);
  EXPECT_EQ(value["broken"][3], -1002.003);
  EXPECT_TRUE(value["broken"][4].empty());
}

TEST(IceTrace, TellsTheWholeStoryOfAConnection) {
  Duo duo;
  duo.add_turn_server();
  duo.alice.host = &duo.world.add_host(
      "alice", {.behind = &duo.world.add_nat(net::sim::NatOptions::symmetric())});
  duo.bob.host =
      &duo.world.add_host("bob", {.behind = &duo.world.add_nat(net::sim::NatOptions::symmetric())});
  for (Side* side : {&duo.alice, &duo.bob}) {
    side->config.servers.push_back(Duo::server("turn:turn.example"));
  }
  ASSERT_TRUE(duo.connect());
  ASSERT_TRUE(duo.talk());
  const Report report = duo.alice.transport->report();
  const json trace = json::parse(trace_json(report));

  EXPECT_EQ(trace["format"], "floe-ice-trace");
  EXPECT_EQ(trace["version"], kTraceVersion);
  EXPECT_EQ(trace["role"], "controlling");
  EXPECT_EQ(trace["servers"][0]["attempts"][0]["outcome"], "answered");
  EXPECT_EQ(trace["servers"][0]["attempts"][0]["relayed"].size(), 1u);
  ASSERT_EQ(trace["events"].size(), report.timeline.size());
  double last = 0;
  for (const json& event : trace["events"]) {
    EXPECT_GE(event["at_ms"].get<double>(), last);
    last = event["at_ms"];
  }
  EXPECT_EQ(trace["events"][0]["at_ms"], 0.0);
  EXPECT_EQ(trace["events"][0]["topic"], "state");
  EXPECT_EQ(trace["events"][0]["text"], "checking");
  ASSERT_EQ(trace["pairs"].size(), report.pairs.size());
  int selected = 0;
  for (const json& pair : trace["pairs"]) {
    if (!pair["selected"].get<bool>()) continue;
    ++selected;
    EXPECT_GT(pair["round_trip_ms"].get<double>(), 0);
    EXPECT_THAT(trace["local_candidates"]
                    .at(pair["local"].get<std::size_t>())["candidate"]
                    .get<std::string>(),
                HasSubstr("candidate:"));
  }
  EXPECT_EQ(selected, 1);

  // Every name is explained by the page.
  std::ifstream file(FLOE_SOURCE_DIR "/docs/why-it-failed.md");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  for (const auto& [name, value] : trace.items()) {
    EXPECT_THAT(page, HasSubstr("`" + name + "`"));
    if (!value.is_array() || value.empty() || !value[0].is_object()) continue;
    for (const auto& [inner, _] : value[0].items()) EXPECT_THAT(page, HasSubstr("`" + inner + "`"));
  }
  for (int cause = 0; to_string(Cause(cause)) != "unknown"; ++cause) {
    EXPECT_THAT(page, HasSubstr("`" + std::string(to_string(Cause(cause))) + "`"));
  }
}

}  // namespace
}  // namespace floe::ice
