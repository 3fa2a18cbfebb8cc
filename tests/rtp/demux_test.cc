#include "floe/rtp/demux.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "floe/rtp/packet_builder.h"

namespace floe::rtp {
namespace {

struct Fields {
  std::uint32_t ssrc = 1;
  std::uint8_t payload_type = 96;
  std::string mid{};
  std::string rid{};
  std::string repaired_rid{};
  std::uint16_t sequence = 0;
};

struct DemuxTest : testing::Test {
  DemuxTest() {
    EXPECT_TRUE(extensions.add(4, ExtensionType::kMid));
    EXPECT_TRUE(extensions.add(10, ExtensionType::kRid));
    EXPECT_TRUE(extensions.add(11, ExtensionType::kRepairedRid));
  }

  std::optional<StreamKey> route(const Fields& fields) {
    PacketBuilder builder(space, {.payload_type = fields.payload_type,
                                  .sequence_number = fields.sequence,
                                  .ssrc = fields.ssrc});
    if (!fields.mid.empty()) extensions.add(builder, Mid{fields.mid});
    if (!fields.rid.empty()) extensions.add(builder, Rid{fields.rid});
    if (!fields.repaired_rid.empty()) extensions.add(builder, RepairedRid{fields.repaired_rid});
    const auto packet = Packet::parse(MutableBytes(space).first(builder.finish(0)));
    now += std::chrono::milliseconds(1);
    return demux.route(now, *packet, extensions);
  }
  /// Two sections that share payload type 96; 111 and 97 (RTX) belong to one each.
  void two_sections() {
    ASSERT_TRUE(demux.set_sections({{.id = 10, .mid = "a", .payload_types = {111, 96}},
                                    {.id = 20,
                                     .mid = "v",
                                     .payload_types = {96, 97},
                                     .repair_payload_types = {97},
                                     .rids = {"hi", "lo"}}}));
  }

  std::array<std::uint8_t, 300> space;
  ExtensionMap extensions;
  Demux demux;
  Time now{};
};

TEST_F(DemuxTest, TakesTheMidFirstAndRemembersItForTheSsrc) {
  two_sections();
  EXPECT_EQ(route({.ssrc = 1, .mid = "v"})->section, 20u);
  EXPECT_EQ(route({.ssrc = 1})->section, 20u);
  EXPECT_EQ(demux.section_of(1), 20u);
  EXPECT_FALSE(route({.ssrc = 2}));  // 96 is in both
  EXPECT_EQ(demux.dropped(DemuxDrop::kUnknownStream), 1u);
  EXPECT_FALSE(route({.ssrc = 1, .mid = "nobody"}));
  EXPECT_EQ(demux.dropped(DemuxDrop::kUnknownMid), 1u);
}

TEST_F(DemuxTest, TakesThePayloadTypeThatOneSectionAloneHasAndKeepsToIt) {
  two_sections();
  EXPECT_EQ(route({.ssrc = 5, .payload_type = 111})->section, 10u);
  // RFC 9143 section 9.2: a stream does not move by changing its payload type.
  EXPECT_EQ(route({.ssrc = 5, .payload_type = 96})->section, 10u);
  EXPECT_FALSE(route({.ssrc = 5, .payload_type = 97}));
  EXPECT_EQ(demux.dropped(DemuxDrop::kUnknownPayloadType), 1u);
}

TEST_F(DemuxTest, APacketThatWasOvertakenDoesNotTakeTheMidBack) {
  two_sections();
  EXPECT_EQ(route({.ssrc = 1, .mid = "a", .sequence = 10})->section, 10u);
  EXPECT_EQ(route({.ssrc = 1, .mid = "v", .sequence = 12})->section, 20u);
  EXPECT_EQ(route({.ssrc = 1, .mid = "a", .sequence = 11})->section, 20u);
  EXPECT_EQ(route({.ssrc = 1, .sequence = 13})->section, 20u);
}

TEST_F(DemuxTest, KeepsEncodingsApartByRidAndTheirRepairStreams) {
  two_sections();
  EXPECT_EQ(route({.ssrc = 1, .mid = "v", .rid = "hi"})->rid, "hi");
  EXPECT_EQ(route({.ssrc = 2, .mid = "v", .rid = "lo"})->rid, "lo");
  EXPECT_EQ(route({.ssrc = 1})->rid, "hi");
  const auto repair = route({.ssrc = 3, .payload_type = 97, .mid = "v", .repaired_rid = "lo"});
  EXPECT_TRUE(repair->repair);
  EXPECT_EQ(repair->rid, "lo");
  EXPECT_TRUE(route({.ssrc = 3, .payload_type = 97})->repair);
  EXPECT_FALSE(route({.ssrc = 4, .mid = "v", .rid = "other"}));
  EXPECT_EQ(demux.dropped(DemuxDrop::kUnknownRid), 1u);
}

TEST_F(DemuxTest, KnowsWhatWasSignalled) {
  ASSERT_TRUE(demux.set_sections(
      {{.id = 1, .payload_types = {96, 97}, .sources = {{.ssrc = 7}, {.ssrc = 8, .repairs = 7}}},
       {.id = 2, .payload_types = {96}, .sources = {{.ssrc = 9}}}}));
  EXPECT_EQ(route({.ssrc = 7})->section, 1u);
  const auto repair = route({.ssrc = 8, .payload_type = 97});
  EXPECT_TRUE(repair->repair);
  EXPECT_EQ(repair->repaired, 7u);
  EXPECT_EQ(route({.ssrc = 9})->section, 2u);
  EXPECT_FALSE(demux.set_sections(
      {{.id = 1, .sources = {{.ssrc = 7}}}, {.id = 2, .sources = {{.ssrc = 7}}}}));
  EXPECT_FALSE(demux.set_sections({{.id = 1, .mid = "x"}, {.id = 2, .mid = "x"}}));
  EXPECT_FALSE(demux.set_sections({{.id = 1}, {.id = 1}}));
}

TEST_F(DemuxTest, KeepsWhatItLearnedThroughANewDescription) {
  two_sections();
  route({.ssrc = 1, .mid = "v"});
  route({.ssrc = 2, .mid = "a"});
  // "a" goes, "v" moves to the front.
  ASSERT_TRUE(demux.set_sections({{.id = 20, .mid = "v", .payload_types = {96}},
                                  {.id = 30, .mid = "w", .payload_types = {96}}}));
  EXPECT_EQ(route({.ssrc = 1})->section, 20u);
  EXPECT_FALSE(route({.ssrc = 2}));
  demux.learn_mid(now, 2, "w");
  EXPECT_EQ(route({.ssrc = 2})->section, 30u);
  demux.forget(2);
  EXPECT_FALSE(route({.ssrc = 2}));
}

TEST_F(DemuxTest, ForgetsTheLeastUsedSourceWhenAPeerInventsTooMany) {
  ASSERT_TRUE(demux.set_sections(
      {{.id = 1, .mid = "v", .payload_types = {96}, .sources = {{.ssrc = 0xffff}}},
       {.id = 2, .mid = "w", .payload_types = {96}}}));
  route({.ssrc = 1, .mid = "v"});
  route({.ssrc = 2, .mid = "v"});
  for (std::uint32_t ssrc = 100; ssrc < 100 + 3 * Demux::kMaxSources; ++ssrc) {
    EXPECT_TRUE(route({.ssrc = ssrc, .mid = "w"}));
    EXPECT_TRUE(route({.ssrc = 1}));  // in use
    EXPECT_LE(demux.source_count(), Demux::kMaxSources);
  }
  EXPECT_FALSE(route({.ssrc = 2}));
  EXPECT_EQ(route({.ssrc = 0xffff})->section, 1u);
}

}  // namespace
}  // namespace floe::rtp
