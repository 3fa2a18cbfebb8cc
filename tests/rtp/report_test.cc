#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <set>
#include <vector>

#include "floe/core/random.h"
#include "floe/core/text.h"
#include "floe/rtp/receive/continuity.h"
#include "floe/rtp/receive/missing_packets.h"
#include "floe/rtp/receive/reception_statistics.h"
#include "floe/rtp/receive/transport_feedback_sender.h"
#include "floe/rtp/red.h"
#include "floe/rtp/reporter.h"
#include "floe/rtp/rtcp_reader.h"
#include "floe/rtp/sent_sequences.h"

namespace floe::rtp {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using Sequence = ReceptionStatistics::Sequence;

TEST(ReceptionStatistics, CountWhatIsLostAcrossWraps) {
  ReceptionStatistics statistics(5, 90'000);
  Time now(1s);
  // 65,530 to 9, without 65,535 and 3; 5 comes twice.
  for (int i = 65'530; i < 65'546; ++i) {
    if (i == 65'535 || i == 65'539) continue;
    statistics.handle_packet(now, static_cast<std::uint16_t>(i), 0);
  }
  statistics.handle_packet(now, 5, 0);
  EXPECT_EQ(statistics.received(), 15u);
  EXPECT_EQ(statistics.lost(), 1);  // as RFC 3550 counts: duplicates make up for losses
  const ReportBlock block = statistics.report(now);
  EXPECT_EQ(block.ssrc, 5u);
  EXPECT_EQ(block.highest_sequence, 65'545u);
  EXPECT_EQ(block.cumulative_lost, 1);
  EXPECT_EQ(block.fraction_lost, 256 / 16);
  // The next interval: 10 lost, 19 is the only one that came of ten.
  statistics.handle_packet(now, 19, 0);
  EXPECT_EQ(statistics.report(now).fraction_lost, 256 * 9 / 10);
  EXPECT_EQ(statistics.report(now).fraction_lost, 0);
}

TEST(ReceptionStatistics, ReckonJitterAsAppendixA8Does) {
  ReceptionStatistics statistics(5, 8'000);
  Time now(1s);
  std::uint32_t timestamp = 0;
  for (int i = 0; i < 1000; ++i) {
    // Every 20 ms, every second one 4 ms late: transit differs by 4 ms each time.
    statistics.handle_packet(now + (i % 2) * 4ms, static_cast<std::uint16_t>(i), timestamp);
    now += 20ms;
    timestamp += 160;
  }
  EXPECT_NEAR(statistics.report(now).jitter, 32, 1);
  EXPECT_NEAR(static_cast<double>(statistics.jitter().count()), 4e6, 0.1e6);
  // A machine that slept has no jitter.
  now += 10min;
  statistics.handle_packet(now, 1000, timestamp);
  EXPECT_NEAR(statistics.report(now).jitter, 32, 2);
}

TEST(ReceptionStatistics, BeginAnewWithASourceThatDid) {
  ReceptionStatistics statistics(5, 8'000);
  const Time now(1s);
  EXPECT_EQ(statistics.handle_packet(now, 100, 0), Sequence::kInOrder);
  EXPECT_EQ(statistics.handle_packet(now, 102, 0), Sequence::kInOrder);
  EXPECT_EQ(statistics.handle_packet(now, 30'000, 0), Sequence::kSuspicious);
  EXPECT_EQ(statistics.handle_packet(now, 103, 0), Sequence::kInOrder);
  EXPECT_EQ(statistics.handle_packet(now, 60'000, 0), Sequence::kSuspicious);
  EXPECT_EQ(statistics.handle_packet(now, 60'001, 0), Sequence::kRestarted);
  EXPECT_EQ(statistics.handle_packet(now, 60'002, 0), Sequence::kInOrder);
  EXPECT_EQ(statistics.lost(), 1);
  EXPECT_EQ(statistics.received(), 5u);
}

TEST(ReceptionStatistics, SayWhenTheLastSenderReportCame) {
  ReceptionStatistics statistics(5, 8'000);
  EXPECT_EQ(statistics.report(Time(1s)).last_report, 0u);
  SenderReport report;
  report.ntp = NtpTime::from(0x1111'2222, 0x3333'4444);
  statistics.handle_sender_report(Time(2s), report);
  const ReportBlock block = statistics.report(Time(2500ms));
  EXPECT_EQ(block.last_report, 0x2222'3333u);
  EXPECT_EQ(block.delay, 32'768u);
}

TEST(MissingPackets, AreAskedForWhenOthersHaveHadTheChanceToOvertake) {
  MissingPackets missing;
  missing.set_round_trip(80ms);
  std::vector<std::uint16_t> due;
  missing.handle_packet(Time(0ms), 65'534);
  missing.handle_packet(Time(0ms), 65'538);
  EXPECT_EQ(missing.size(), 3u);
  EXPECT_EQ(missing.next_timeout(), Time(10ms));
  missing.take_due(Time(9ms), due);
  EXPECT_THAT(due, IsEmpty());
  missing.handle_packet(Time(9ms), 65'536);
  missing.take_due(Time(10ms), due);
  EXPECT_THAT(due, ElementsAre(65'535, 1));
  // Again after a round trip and a quarter, and 10 ms.
  EXPECT_EQ(missing.next_timeout(), Time(120ms));
  due.clear();
  missing.forget_before(65'536);
  missing.take_due(Time(120ms), due);
  EXPECT_THAT(due, ElementsAre(1));
  for (int i = 0; i < 100; ++i) missing.take_due(Time(1s * i), due);
  EXPECT_EQ(due.size(), static_cast<std::size_t>(MissingPackets::kMaxRequests) - 1);
  EXPECT_EQ(missing.next_timeout(), kNever);
}

TEST(MissingPackets, AreGivenUpAfterAnOutage) {
  MissingPackets missing;
  EXPECT_TRUE(missing.handle_packet(Time(0s), 0));
  EXPECT_TRUE(missing.handle_packet(Time(0s), 1001));
  EXPECT_EQ(missing.size(), 1000u);
  EXPECT_FALSE(missing.handle_packet(Time(0s), 1003));
  EXPECT_EQ(missing.size(), 0u);
  EXPECT_TRUE(missing.handle_packet(Time(0s), 1004));
}

Frame vp9(int id, std::initializer_list<int> references, int layer = 0) {
  Vp9Fields fields;
  fields.picture_id = static_cast<std::uint16_t>(id & 0x7fff);
  fields.flexible_mode = true;
  fields.temporal_id = static_cast<std::uint8_t>(layer);
  for (const int reference : references) {
    fields.reference_differences[fields.reference_count++] = static_cast<std::uint8_t>(reference);
  }
  fields.inter_picture_predicted = fields.reference_count > 0;
  Frame frame;
  frame.codec = fields;
  frame.key_frame = fields.reference_count == 0;
  return frame;
}

TEST(Continuity, FollowsTheReferencesOfVp9InFlexibleMode) {
  Continuity continuity;
  EXPECT_EQ(continuity.check(vp9(32'766, {1}), false), Decodable::kNeedsKeyFrame);
  EXPECT_EQ(continuity.check(vp9(32'766, {}), false), Decodable::kYes);
  EXPECT_EQ(continuity.check(vp9(32'767, {1}, 1), false), Decodable::kYes);
  // 32,768 (which is 0) is lost. What refers to it falls, the rest does not.
  EXPECT_EQ(continuity.check(vp9(32'769, {1, 2}, 1), true), Decodable::kNo);
  EXPECT_EQ(continuity.check(vp9(32'770, {4}), false), Decodable::kYes);
  EXPECT_EQ(continuity.check(vp9(32'771, {1}, 1), false), Decodable::kYes);
  EXPECT_EQ(continuity.check(vp9(32'772, {4}), false), Decodable::kNeedsKeyFrame);
  EXPECT_EQ(continuity.check(vp9(32'773, {2}), false), Decodable::kNeedsKeyFrame);
  EXPECT_EQ(continuity.check(vp9(32'774, {}), false), Decodable::kYes);
}

TEST(Continuity, TakesLostPaddingForWhatItIs) {
  Continuity continuity;
  Frame frame;
  frame.key_frame = true;
  Vp8Fields fields;
  fields.picture_id = 32'767;
  frame.codec = fields;
  EXPECT_EQ(continuity.check(frame, true), Decodable::kYes);
  frame.key_frame = false;
  std::get<Vp8Fields>(frame.codec).picture_id = 0;
  EXPECT_EQ(continuity.check(frame, true), Decodable::kYes);
  std::get<Vp8Fields>(frame.codec).picture_id = 2;
  EXPECT_EQ(continuity.check(frame, true), Decodable::kNeedsKeyFrame);
}

TEST(Red, GoesThereAndBack) {
  const std::array<RedBlock, 3> blocks = {RedBlock{111, 1920, as_bytes("old")},
                                          RedBlock{111, 960, {}},
                                          RedBlock{111, 0, as_bytes("new")}};
  std::array<std::uint8_t, 100> space;
  const std::size_t size = write_red(blocks, space);
  ASSERT_EQ(size, 15u);
  const auto read = RedBlocks::parse(Bytes(space).first(size));
  ASSERT_TRUE(read);
  ASSERT_EQ(read->redundant().size(), 2u);
  EXPECT_EQ(read->redundant()[0].timestamp_offset, 1920u);
  EXPECT_EQ(as_text(read->redundant()[0].payload), "old");
  EXPECT_EQ(as_text(read->primary().payload), "new");
  for (std::size_t cut = 0; cut < 12; ++cut) {
    EXPECT_FALSE(RedBlocks::parse(Bytes(space).first(cut))) << cut;
  }
  const std::vector<std::uint8_t> endless(400, 0xff);
  EXPECT_FALSE(RedBlocks::parse(endless));
  EXPECT_EQ(write_red(std::array<RedBlock, 2>{RedBlock{1, 16'384, {}}, RedBlock{}}, space), 0u);
}

TEST(TransportFeedbackSender, TellsEveryArrivalToItsSender) {
  SeededRandom random(3);
  TransportFeedbackSender receiver;
  SentSequences sent;
  std::vector<PacketReport> reports;
  Time now(1s);
  int came = 0;
  std::array<std::uint8_t, 1200> space;
  std::vector<std::pair<Time, std::uint16_t>> late;
  for (int i = 0; i < 80'000; ++i) {
    now += 1ms;
    const auto sequence = static_cast<std::uint16_t>(sent.next());
    const double luck = random.unit();
    if (luck < 0.9)
      receiver.handle_packet(now + 20ms, sequence, 7);
    else if (luck < 0.95)
      late.emplace_back(now + 150ms, sequence);
    came += luck < 0.95;
    while (!late.empty() && late.front().first <= now) {
      receiver.handle_packet(now + 20ms, late.front().second, 7);
      late.erase(late.begin());
    }
    if (receiver.next_timeout() > now + 20ms) continue;
    RtcpWriter writer(space);
    EXPECT_GT(receiver.write(now + 20ms, 9, writer), 0u);
    EXPECT_GT(receiver.next_timeout(), now + 20ms);
    RtcpReader reader(writer.written());
    while (const auto packet = reader.next()) {
      const auto& feedback = std::get<TransportFeedback>(*packet);
      EXPECT_EQ(feedback.media(), 7u);
      sent.read(feedback, reports);
    }
    EXPECT_EQ(reader.malformed(), 0u);
  }
  std::set<std::int64_t> told;
  for (const PacketReport& report : reports) {
    if (report.received) told.insert(report.sequence);
  }
  const int received = static_cast<int>(told.size());
  const std::int64_t last = *told.rbegin();
  EXPECT_GE(received, came - 200);
  EXPECT_LE(received, came);
  EXPECT_GT(last, 79'800);
}

TEST(TransportFeedbackSender, WritesEvery100MsAndSurvivesTenMinutesOfSleep) {
  TransportFeedbackSender receiver;
  EXPECT_EQ(receiver.next_timeout(), kNever);
  std::array<std::uint8_t, 1200> space;
  receiver.handle_packet(Time(1s), 1, 7);
  EXPECT_EQ(receiver.next_timeout(), Time(1s));
  RtcpWriter first(space);
  EXPECT_EQ(receiver.write(Time(1s), 9, first), 1u);
  receiver.handle_packet(Time(1s + 1ms), 2, 7);
  EXPECT_EQ(receiver.next_timeout(), Time(1s + 100ms));
  RtcpWriter early(space);
  EXPECT_EQ(receiver.write(Time(1s + 99ms), 9, early), 0u);
  receiver.handle_packet(Time(10min), 30'000, 7);  // far away in number and time
  RtcpWriter after(space);
  EXPECT_EQ(receiver.write(Time(10min), 9, after), 2u);
  EXPECT_EQ(receiver.next_timeout(), kNever);
  RtcpReader reader(after.written());
  std::size_t packets = 0;
  while (reader.next()) ++packets;
  EXPECT_EQ(packets, 2u);
  // Without space nothing is lost.
  receiver.handle_packet(Time(20min), 30'001, 7);
  RtcpWriter none(MutableBytes(space).first(20));
  EXPECT_EQ(receiver.write(Time(20min), 9, none), 0u);
  EXPECT_LE(receiver.next_timeout(), Time(20min));
}

struct ReporterTest : testing::Test {
  std::unique_ptr<OutboundStream> outbound(std::uint32_t ssrc) {
    OutboundStream::Config config;
    config.ssrc = ssrc;
    config.clock_rate = 48'000;
    config.format.codec = Codec::kOpus;
    auto stream = std::move(OutboundStream::create(config, random).value());
    std::array<std::uint8_t, 1500> space;
    const std::array<std::uint8_t, 2> frame = {0x78, 1};
    EXPECT_TRUE(stream->send_frame(Time(1s), {.payload = frame, .timestamp = 0}));
    const auto polled = stream->poll_packet(Time(1s), space);
    first_timestamp = Packet::parse(MutableBytes(space).first(polled->size))->timestamp();
    return stream;
  }
  std::unique_ptr<InboundStream> inbound(std::uint32_t ssrc) {
    InboundStream::Config config;
    config.ssrc = ssrc;
    config.clock_rate = 48'000;
    config.video = false;
    config.formats = {{111, {Codec::kOpus}, {}}};
    auto stream = std::make_unique<InboundStream>(config);
    hear(*stream, 0);
    return stream;
  }
  void hear(InboundStream& stream, std::uint16_t sequence) {
    std::array<std::uint8_t, 20> bytes;
    PacketBuilder builder(
        bytes, {.payload_type = 111, .sequence_number = sequence, .ssrc = stream.ssrc()});
    builder.payload_space()[0] = 0x78;
    stream.handle_packet(Time(1s), *Packet::parse(MutableBytes(bytes).first(builder.finish(1))));
  }
  std::vector<RtcpPacket> read(const RtcpWriter& writer) {
    std::vector<RtcpPacket> packets;
    RtcpReader reader(writer.written());
    while (const auto packet = reader.next()) packets.push_back(*packet);
    EXPECT_EQ(reader.malformed() + reader.unknown(), 0u);
    return packets;
  }

  SeededRandom random{1};
  NtpClock clock{Time(0s), NtpTime::from_unix(1'700'000'000s)};
  std::array<std::uint8_t, 1200> space;
  std::uint32_t first_timestamp = 0;
};

TEST_F(ReporterTest, MeasuresTheRoundTripBothWays) {
  Reporter ours({.ssrc = 1, .cname = "ours"}, random);
  Reporter theirs({.ssrc = 2, .cname = "theirs"}, random);
  const auto sent = outbound(10);
  const auto received = inbound(10);
  OutboundStream* const out[] = {sent.get()};
  InboundStream* const in[] = {received.get()};
  ours.start(Time(1s));
  RtcpWriter report(space);
  EXPECT_FALSE(ours.write(Time(1s), clock.at(Time(1s)), out, {}, report));
  ASSERT_TRUE(ours.write(Time(2s), clock.at(Time(2s)), out, {}, report));
  auto packets = read(report);
  ASSERT_EQ(packets.size(), 2u);
  const auto sr = std::get<SenderReport>(packets[0]);
  EXPECT_EQ(sr.sender, 10u);
  EXPECT_EQ(sr.packets, 1u);
  EXPECT_EQ(sr.octets, 2u);
  EXPECT_EQ(sr.timestamp, first_timestamp + 48'000);  // a second after the frame
  EXPECT_EQ(std::get<SourceDescription>(packets[1]).items().next()->text, "ours");

  // 70 ms there, held for 300 ms, 70 ms back.
  received->handle_sender_report(Time(2070ms), sr);
  theirs.start(Time(1s));
  std::array<std::uint8_t, 1200> answer_space;
  RtcpWriter answer(answer_space);
  ASSERT_TRUE(theirs.write(Time(2370ms), clock.at(Time(99s)), {}, in, answer));
  packets = read(answer);
  const auto rr = std::get<ReceiverReport>(packets[0]);
  ASSERT_EQ(rr.reports.size(), 1u);
  sent->handle_report(Time(2440ms), clock.at(Time(2440ms)), rr.reports[0]);
  ASSERT_TRUE(sent->stats().remote);
  EXPECT_NEAR(static_cast<double>(sent->stats().remote->round_trip->count()), 140e6, 50e3);

  // The receiver asked too: its reference time comes back with our next report.
  ASSERT_EQ(packets.size(), 3u);
  ours.handle_packet(Time(2440ms), {}, std::get<ExtendedReport>(packets[2]));
  RtcpWriter next(space);
  ASSERT_TRUE(ours.write(Time(4s), clock.at(Time(4s)), out, {}, next));
  packets = read(next);
  ASSERT_EQ(packets.size(), 3u);
  theirs.handle_packet(Time(4070ms), clock.at(Time(99s + 1700ms)),
                       std::get<ExtendedReport>(packets[2]));
  ASSERT_TRUE(theirs.round_trip());
  EXPECT_NEAR(static_cast<double>(theirs.round_trip()->count()), 140e6, 50e3);
}

TEST_F(ReporterTest, VariesItsIntervalAndSurvivesTenMinutesOfSleep) {
  Reporter reporter({.ssrc = 1, .cname = "c"}, random);
  EXPECT_EQ(reporter.next_timeout(), kNever);
  reporter.start(Time(0s));
  EXPECT_LE(reporter.next_timeout(), Time(750ms));
  Duration least = 10s;
  Duration most = 0s;
  Time now = reporter.next_timeout();
  for (int i = 0; i < 500; ++i) {
    RtcpWriter writer(space);
    ASSERT_TRUE(reporter.write(now, clock.at(now), {}, {}, writer));
    ASSERT_GT(reporter.next_timeout(), now);
    least = std::min(least, reporter.next_timeout() - now);
    most = std::max(most, reporter.next_timeout() - now);
    now = reporter.next_timeout() + (i == 250 ? 10min : 0min);
  }
  EXPECT_GE(least, 500ms);
  EXPECT_LT(least, 520ms);
  EXPECT_LE(most, 1500ms);
  EXPECT_GT(most, 1480ms);
}

TEST_F(ReporterTest, SlowsDownWhereTheBandwidthIsSmall) {
  Reporter reporter({.ssrc = 1, .cname = "c", .bandwidth = 400}, random);  // 50 bytes a second
  reporter.start(Time(0s));
  RtcpWriter writer(space);
  ASSERT_TRUE(reporter.write(Time(100s), clock.at(Time(100s)), {}, {}, writer));
  EXPECT_GT(reporter.next_timeout(), Time(102s));
}

TEST_F(ReporterTest, LeavesOutSourcesThatWereSilent) {
  Reporter reporter({.ssrc = 1, .cname = "c"}, random);
  reporter.start(Time(0s));
  const auto stream = inbound(10);
  InboundStream* const in[] = {stream.get()};
  const auto blocks = [&](Time now) {
    RtcpWriter writer(space);
    EXPECT_TRUE(reporter.write(now, clock.at(now), {}, in, writer));
    return std::get<ReceiverReport>(read(writer)[0]).reports.size();
  };
  EXPECT_EQ(blocks(Time(10s)), 1u);
  EXPECT_EQ(blocks(Time(20s)), 0u);
  hear(*stream, 1);
  EXPECT_EQ(blocks(Time(30s)), 1u);
}

TEST_F(ReporterTest, GivesEverySourceItsTurn) {
  Reporter reporter({.ssrc = 1, .cname = "c"}, random);
  reporter.start(Time(0s));
  std::vector<std::unique_ptr<InboundStream>> streams;
  std::vector<InboundStream*> in;
  for (std::uint32_t i = 0; i < 70; ++i) {
    streams.push_back(inbound(1000 + i));
    in.push_back(streams.back().get());
  }
  std::vector<int> reported(70);
  Time now(10s);
  for (int i = 0; i < 7; ++i) {
    RtcpWriter writer(space);
    ASSERT_TRUE(reporter.write(now, clock.at(now), {}, in, writer));
    const auto report = std::get<ReceiverReport>(read(writer)[0]);
    EXPECT_GE(report.reports.size(), 25u);
    for (const ReportBlock block : report.reports) ++reported[block.ssrc - 1000];
    now = reporter.next_timeout();
    for (InboundStream* stream : in) hear(*stream, static_cast<std::uint16_t>(i + 1));
  }
  for (const int times : reported) EXPECT_GE(times, 2);
  // Too small for even one report.
  RtcpWriter tiny(MutableBytes(space).first(16));
  EXPECT_FALSE(reporter.write(now, clock.at(now), {}, in, tiny));
  RtcpWriter last(space);
  EXPECT_TRUE(reporter.write_bye(std::array<std::uint32_t, 2>{1, 2}, last));
  EXPECT_EQ(std::get<Bye>(read(last)[2]).sources.size(), 2u);
}

}  // namespace
}  // namespace floe::rtp
