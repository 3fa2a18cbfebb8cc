#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <variant>
#include <vector>

#include "floe/core/random.h"
#include "floe/core/text.h"
#include "floe/rtp/rtcp_reader.h"
#include "floe/rtp/rtcp_writer.h"
#include "floe/rtp/sent_sequences.h"

namespace floe::rtp {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

std::vector<std::uint8_t> hex(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (c != ' ') digits += c;
  }
  return from_hex(digits).value();
}

TEST(Rtcp, ACompoundPacketReadsAsItWasWritten) {
  std::array<std::uint8_t, 1500> space;
  RtcpWriter writer(space);
  ReportBlock block;
  block.ssrc = 7;
  block.fraction_lost = 128;
  block.cumulative_lost = -3;
  block.highest_sequence = 0x1'0005;
  block.jitter = 99;
  block.last_report = 0x1234'5678;
  block.delay = 65'536;
  const std::array<ReportBlock, 2> blocks = {block, block};
  SenderReport report;
  report.sender = 1;
  report.ntp = NtpTime::from(2, 3);
  report.timestamp = 4;
  report.packets = 5;
  report.octets = 6;
  ASSERT_TRUE(writer.sender_report(report, blocks));
  ASSERT_TRUE(writer.receiver_report(10, std::span(blocks).first(1)));
  ASSERT_TRUE(writer.cname(1, "who@where"));
  ASSERT_TRUE(writer.reference_time(1, NtpTime::from(8, 9)));
  const std::array<DlrrRecord, 1> dlrr = {DlrrRecord{11, 12, 13}};
  ASSERT_TRUE(writer.dlrr(1, dlrr));
  ASSERT_EQ(writer.nack(1, 2, std::array<std::uint16_t, 4>{65'530, 65'531, 10, 11}), 4u);
  ASSERT_TRUE(writer.picture_loss_indication(1, 2));
  ASSERT_TRUE(writer.full_intra_request(1, std::array<FirEntry, 1>{FirEntry{2, 200}}));
  ASSERT_TRUE(writer.remb(1, 2'500'000, std::array<std::uint32_t, 2>{2, 3}));
  ASSERT_TRUE(writer.app({.subtype = 3, .sender = 1, .name = "floe", .content = as_bytes("1234")}));
  ASSERT_TRUE(writer.bye(std::array<std::uint32_t, 2>{1, 2}, "done"));

  RtcpReader reader(writer.written());
  const auto sr = std::get<SenderReport>(reader.next().value());
  EXPECT_EQ(sr.sender, 1u);
  EXPECT_EQ(sr.ntp, NtpTime::from(2, 3));
  EXPECT_EQ(sr.timestamp, 4u);
  EXPECT_EQ(sr.packets, 5u);
  EXPECT_EQ(sr.octets, 6u);
  ASSERT_EQ(sr.reports.size(), 2u);
  EXPECT_EQ(sr.reports[1], block);
  EXPECT_EQ(std::get<ReceiverReport>(reader.next().value()).reports[0], block);
  auto items = std::get<SourceDescription>(reader.next().value()).items();
  const auto item = items.next();
  EXPECT_EQ(item->ssrc, 1u);
  EXPECT_EQ(item->type, SdesType::kCname);
  EXPECT_EQ(item->text, "who@where");
  EXPECT_FALSE(items.next());
  auto xr = std::get<ExtendedReport>(reader.next().value()).blocks();
  EXPECT_EQ(xr.next()->reference_time(), NtpTime::from(8, 9));
  EXPECT_FALSE(xr.next());
  const auto records = std::get<ExtendedReport>(reader.next().value()).blocks().next()->dlrr();
  ASSERT_EQ(records->size(), 1u);
  EXPECT_EQ((*records)[0].delay, 13u);
  const auto nack = std::get<Nack>(reader.next().value());
  EXPECT_EQ(nack.pairs.size(), 2u);
  std::vector<int> lost;
  nack.for_each([&](std::uint16_t sequence) { lost.push_back(sequence); });
  EXPECT_THAT(lost, ElementsAre(65'530, 65'531, 10, 11));
  EXPECT_EQ(std::get<PictureLossIndication>(reader.next().value()).media, 2u);
  const auto fir = std::get<FullIntraRequest>(reader.next().value());
  EXPECT_EQ(fir.entries[0].ssrc, 2u);
  EXPECT_EQ(fir.entries[0].sequence, 200);
  const auto remb = std::get<Remb>(reader.next().value());
  EXPECT_LE(remb.bitrate, 2'500'000u);
  EXPECT_GT(remb.bitrate, 2'499'970u);
  EXPECT_EQ(remb.sources[1].value, 3u);
  const auto app = std::get<App>(reader.next().value());
  EXPECT_EQ(app.name, "floe");
  EXPECT_EQ(app.subtype, 3);
  EXPECT_EQ(as_text(app.content), "1234");
  const auto bye = std::get<Bye>(reader.next().value());
  EXPECT_EQ(bye.sources.size(), 2u);
  EXPECT_EQ(bye.reason, "done");
  EXPECT_FALSE(reader.next());
  EXPECT_EQ(reader.unknown() + reader.malformed(), 0u);
}

TEST(Rtcp, SkipsAndCountsWhatItDoesNotKnow) {
  // Type 208, RTPFB 31, an application-layer message that is no REMB, then a PLI.
  const auto bytes =
      hex("80d0 0001 00000001 9fcd 0002 00000001 00000002"
          "8fce 0003 00000001 00000000 41424344 81ce 0002 00000001 00000009");
  RtcpReader reader(bytes);
  const auto packet = reader.next();
  ASSERT_TRUE(packet && std::holds_alternative<PictureLossIndication>(*packet));
  EXPECT_EQ(std::get<PictureLossIndication>(*packet).media, 9u);
  EXPECT_EQ(reader.unknown(), 3u);
  EXPECT_EQ(reader.malformed(), 0u);
}

TEST(Rtcp, CountsWhatIsMalformedAndGoesOnWhereLengthsStillHold) {
  // A receiver report that promises two blocks and has none, then a PLI.
  const auto half = hex("82c9 0001 00000001 81ce 0002 00000001 00000009");
  RtcpReader reader(half);
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.malformed(), 1u);
  // A length that runs past the end: nothing more.
  for (const char* text : {"81ce 0003 00000001 00000009", "41ce 0002 00000001 00000009", "81ce",
                           "a1ce 0002 00000001 00000003", "a1ce 0002 00000001 00000000",
                           "a1ce 0002 00000001 00000010"}) {
    const auto bytes = hex(text);
    RtcpReader broken(bytes);
    EXPECT_FALSE(broken.next()) << text;
    EXPECT_EQ(broken.malformed(), 1u) << text;
  }
  // Padding is taken off the last packet.
  const auto with_padding = hex("a1ce 0003 00000001 00000009 00000004");
  RtcpReader padded(with_padding);
  EXPECT_TRUE(padded.next());
  EXPECT_EQ(padded.malformed(), 0u);
}

TEST(Rtcp, TakesPaddingAsLibwebrtcWritesItInEachFeedback) {
  const auto feedback =
      hex("afcd 0005 00000001 00000002 0001 0001 000001 00 2001 04 01"
          "afcd 0005 00000001 00000002 0002 0001 000001 01 2001 08 01");
  RtcpReader reader(feedback);
  for (const std::uint16_t sequence : {1, 2}) {
    const auto packet = reader.next();
    ASSERT_TRUE(packet);
    EXPECT_EQ(std::get<TransportFeedback>(*packet).base_sequence(), sequence);
  }
  EXPECT_FALSE(reader.next());
  EXPECT_EQ(reader.malformed(), 0u);
}

TEST(Rtcp, TheWriterWritesWholePacketsOrNone) {
  for (std::size_t size = 0; size < 120; ++size) {
    std::vector<std::uint8_t> space(size + 1, 0xee);
    RtcpWriter writer(MutableBytes(space).first(size));
    std::size_t written = 0;
    written += writer.receiver_report(1, std::array<ReportBlock, 1>{});
    written += writer.cname(1, "c");
    written += writer.remb(1, 5'000'000'000, std::array<std::uint32_t, 1>{2});
    written += writer.nack(1, 2, std::array<std::uint16_t, 2>{1, 100}) > 0;
    written += writer.bye(std::array<std::uint32_t, 1>{1}, "reason");
    EXPECT_EQ(space.back(), 0xee);
    std::size_t read = 0;
    RtcpReader reader(writer.written());
    while (reader.next()) ++read;
    EXPECT_EQ(read, written);
    EXPECT_EQ(reader.malformed(), 0u);
  }
}

/// What a feedback packet says, as sequence number and arrival in ms; -1 is lost.
using Said = std::vector<std::pair<int, double>>;
Said say(const TransportFeedback& feedback) {
  Said said;
  const Duration base = feedback.reference_time() * TransportFeedback::kReferenceUnit;
  feedback.for_each([&](const PacketStatus& status) {
    said.emplace_back(
        status.sequence,
        status.arrival ? static_cast<double>((base + *status.arrival).count()) / 1e6 : -1);
  });
  return said;
}

std::vector<std::uint8_t> body_of(const TransportFeedbackBuilder& builder, std::size_t max) {
  std::vector<std::uint8_t> body(max);
  ByteWriter writer(body);
  builder.write(writer);
  EXPECT_TRUE(writer.ok());
  body.resize(writer.size());
  return body;
}

TEST(TransportFeedback, ReadsAllKindsOfChunks) {
  // Base 10, 20 statuses: a run of 6 small, seven pairs (small, lost, large -1 ...), 14 bits.
  const auto body =
      hex("00000001 00000002 000a 0014 000001 05"
          "2006 d200 a400"
          "04 04 04 04 04 04 04 ffff 08 10");
  const auto feedback = TransportFeedback::parse(body);
  ASSERT_TRUE(feedback);
  EXPECT_EQ(feedback->feedback_count(), 5);
  EXPECT_EQ(feedback->status_count(), 20u);
  const Said said = say(*feedback);
  ASSERT_EQ(said.size(), 20u);
  EXPECT_EQ(said[0], (std::pair(10, 65.0)));
  EXPECT_EQ(said[5], (std::pair(15, 70.0)));
  EXPECT_EQ(said[6], (std::pair(16, 71.0)));    // 01: small
  EXPECT_EQ(said[7], (std::pair(17, -1.0)));    // 00: lost
  EXPECT_EQ(said[8], (std::pair(18, 70.75)));   // 10: large, negative
  EXPECT_EQ(said[13], (std::pair(23, 72.75)));  // the first bit of the vector is 1
  EXPECT_EQ(said[14], (std::pair(24, -1.0)));
  EXPECT_EQ(said[15], (std::pair(25, -1.0)));
  EXPECT_EQ(said[16], (std::pair(26, 76.75)));
}

TEST(TransportFeedback, RefusesWhatDoesNotAddUp) {
  for (const char* text : {
           "00000001 00000002 000a 0001 000001",                              // cut
           "00000001 00000002 000a 0000 000001 05",                           // no packets
           "00000001 00000002 000a 0001 000001 05",                           // no chunk
           "00000001 00000002 000a 0001 000001 05 2000",                      // a run of nothing
           "00000001 00000002 000a 0001 000001 05 2001",                      // no delta
           "00000001 00000002 000a 0001 000001 05 6001 0000",                 // the reserved symbol
           "00000001 00000002 000a 9000 000001 05 1fff 1fff 1fff 1fff 1fff",  // too many
       }) {
    EXPECT_FALSE(TransportFeedback::parse(hex(text))) << text;
  }
}

TEST(TransportFeedback, WhatIsBuiltIsReadAgainWhateverTheLosses) {
  SeededRandom random(5);
  for (int round = 0; round < 300; ++round) {
    const auto base = static_cast<std::uint16_t>(random.u32());
    const double loss = random.unit();
    const auto spread = static_cast<std::int64_t>(random.below(100)) + 1;
    const std::size_t max = 64 + random.below(1200) / 4 * 4;
    Time now = Time(Duration(static_cast<std::int64_t>(random.below(1'000'000'000'000))));
    TransportFeedbackBuilder builder(1, 2, 3, base, now, max);
    ASSERT_TRUE(builder.add(base, now));
    std::vector<std::pair<std::uint16_t, Time>> came = {{base, now}};
    for (int i = 1; i < 400; ++i) {
      now += std::chrono::microseconds(random.below(static_cast<std::uint64_t>(spread) * 1000)) -
             std::chrono::milliseconds(spread / 4);
      if (random.unit() < loss) continue;
      const auto sequence = static_cast<std::uint16_t>(base + i);
      if (!builder.add(sequence, now)) break;
      came.emplace_back(sequence, now);
    }
    const auto body = body_of(builder, max);
    ASSERT_EQ(body.size() % 4, 0u);
    const auto feedback = TransportFeedback::parse(body);
    ASSERT_TRUE(feedback);
    auto next = came.begin();
    const Duration reference = feedback->reference_time() * TransportFeedback::kReferenceUnit;
    feedback->for_each([&](const PacketStatus& status) {
      if (!status.arrival) return;
      ASSERT_NE(next, came.end());
      EXPECT_EQ(status.sequence, next->first);
      const Duration error = reference + *status.arrival - next->second.time_since_epoch();
      EXPECT_LE(std::chrono::abs(error), 126us);  // half of a unit
      ++next;
    });
    EXPECT_EQ(next, came.end());
    EXPECT_EQ(feedback->status_count(),
              static_cast<std::size_t>(static_cast<std::uint16_t>(came.back().first - base)) + 1);
  }
}

/// Feedback about `came` (sequence, arrival), from `base` on, up to `end`.
TransportFeedback feedback_about(std::vector<std::uint8_t>& space, std::uint16_t base,
                                 std::vector<std::pair<std::uint16_t, Time>> came,
                                 std::uint16_t end) {
  TransportFeedbackBuilder builder(1, 2, 0, base, came.front().second, 1200);
  for (const auto& [sequence, arrival] : came) EXPECT_TRUE(builder.add(sequence, arrival));
  EXPECT_TRUE(builder.add_missing_until(end));
  space = body_of(builder, 1200);
  return TransportFeedback::parse(space).value();
}

TEST(SentSequences, ReadWhatFeedbackSaysOfEachPacket) {
  SentSequences sent;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(sent.next(), i);
  std::vector<std::uint8_t> space;
  std::vector<PacketReport> reports;
  // 0 and 2 came, 1 is lost, 3 too; nothing about 4 yet.
  sent.read(feedback_about(space, 0, {{0, Time(1000s)}, {2, Time(1000s + 30ms)}}, 4), reports);
  ASSERT_EQ(reports.size(), 4u);
  EXPECT_EQ(reports[0].sequence, 0);
  EXPECT_EQ(*reports[2].received - *reports[0].received, 30ms);
  EXPECT_FALSE(reports[1].received);
  EXPECT_FALSE(reports[3].received);
}

TEST(SentSequences, UnwrapNumbersAndReferenceTimes) {
  SentSequences sent;
  std::vector<std::uint8_t> space;
  std::vector<PacketReport> reports;
  // The reference time wraps after 2^24 * 64 ms.
  const Time wrap = Time(64ms * (1 << 24));
  std::int64_t before = 0;
  for (int i = 0; i < 70'000; ++i) {
    const auto sequence = static_cast<std::uint16_t>(sent.next());
    if (i % 1000 != 0) continue;
    const Time arrival = wrap + (i - 35'000) * 1ms;
    sent.read(feedback_about(space, sequence, {{sequence, arrival}},
                             static_cast<std::uint16_t>(sequence + 1)),
              reports);
    ASSERT_EQ(reports.back().sequence, i);
    if (i > 0) {
      EXPECT_EQ(reports.back().received->count() - before, Duration(1s).count());
    }
    before = reports.back().received->count();
  }
}

}  // namespace
}  // namespace floe::rtp
