#include "floe/rtp/reporter.h"

#include <algorithm>

#include "floe/core/check.h"
#include "floe/core/limits.h"

namespace floe::rtp {
namespace {

// RFC 3550 section 6.2: the size counts the headers of UDP and IP.
constexpr double kHeaders = 28;
// A CNAME chunk with its header; what is written behind the reports.
constexpr std::size_t kCnameOverhead = 12;
constexpr std::size_t kSenderReport = 28;
constexpr std::size_t kReceiverReport = 8;

std::size_t blocks_that_fit(std::size_t space, std::size_t fixed) {
  if (space < fixed) return 0;
  return std::min(kMaxReportBlocks, (space - fixed) / ReportBlock::kSize);
}

}  // namespace

Reporter::Reporter(Config config, Random& random) : config_(std::move(config)), random_(random) {
  if (config_.cname.size() > 255) config_.cname.resize(255);
}

void Reporter::start(Time now) {
  // RFC 3550 section 6.2: the first comes after half of the interval.
  next_ = now + interval(1) / 2;
}

Duration Reporter::interval(std::size_t sources) {
  const double bytes_a_second = std::max(1.0, static_cast<double>(config_.bandwidth) / 8.0);
  // Both sides share the bandwidth (RFC 3550 section 6.3.1).
  const double needed = (average_size_ + kHeaders) *
                        static_cast<double>(std::max<std::size_t>(sources, 1) + 1) / bytes_a_second;
  const double least = std::chrono::duration<double>(config_.interval).count();
  // From half to one and a half, so that reports of different sessions do not fall into step.
  return std::chrono::duration_cast<Duration>(
      std::chrono::duration<double>(std::max(needed, least) * (0.5 + random_.unit())));
}

void Reporter::handle_size(std::size_t size) {
  // RFC 3550 section 6.3.3.
  average_size_ += (static_cast<double>(size) - average_size_) / 16;
}

bool Reporter::write(Time now, NtpTime ntp_now, std::span<OutboundStream* const> outbound,
                     std::span<InboundStream* const> inbound, RtcpWriter& writer) {
  if (now < next_) return false;
  std::vector<SenderReport> senders;
  for (const OutboundStream* stream : outbound) {
    if (const auto report = stream->sender_report(now, ntp_now)) senders.push_back(*report);
  }
  std::vector<ReceptionStatistics*> sources;
  for (InboundStream* stream : inbound) {
    for (ReceptionStatistics* source : {&stream->reception(), stream->repair_reception()}) {
      if (source != nullptr && source->has_news()) sources.push_back(source);
    }
  }
  const std::uint32_t self = senders.empty() ? config_.ssrc : senders.front().sender;
  const std::size_t cname_size = (kCnameOverhead + config_.cname.size() + 3) / 4 * 4;
  const std::size_t fixed = (senders.empty() ? kReceiverReport : kSenderReport) + cname_size;
  if (writer.space_left() < fixed) return false;

  const std::size_t before = writer.size();
  const std::size_t room = blocks_that_fit(writer.space_left(), fixed);
  std::vector<ReportBlock> blocks;
  for (std::size_t i = 0; i < sources.size() && i < room; ++i) {
    blocks.push_back(sources[(turn_ + i) % sources.size()]->report(now));
  }
  if (!sources.empty()) turn_ = (turn_ + blocks.size()) % sources.size();
  if (senders.empty()) {
    writer.receiver_report(self, blocks);
  } else {
    writer.sender_report(senders.front(), blocks);
  }
  FLOE_CHECK(writer.cname(self, config_.cname));
  // The other streams of this side; each has its CNAME too, by which a receiver knows what belongs
  // together (RFC 3550 section 6.5.1).
  for (std::size_t i = 1; i < senders.size(); ++i) {
    if (writer.space_left() < kSenderReport + cname_size) break;
    writer.sender_report(senders[i], {});
    writer.cname(senders[i].sender, config_.cname);
  }
  if (senders.empty() && !sources.empty()) writer.reference_time(self, ntp_now);
  write_references(now, self, writer);
  handle_size(writer.size() - before);
  next_ = now + interval(std::max<std::size_t>(senders.size(), 1));
  return true;
}

void Reporter::write_references(Time now, std::uint32_t sender, RtcpWriter& writer) {
  std::vector<DlrrRecord> records;
  for (const Reference& reference : references_) {
    records.push_back({reference.ssrc, reference.compact, to_compact(now - reference.received)});
  }
  // Each is answered once: a peer that still wants to know sends another one.
  if (!records.empty() && writer.dlrr(sender, records)) references_.clear();
}

bool Reporter::write_bye(std::span<const std::uint32_t> sources, RtcpWriter& writer) const {
  const std::uint32_t self = sources.empty() ? config_.ssrc : sources.front();
  return writer.receiver_report(self, {}) && writer.cname(self, config_.cname) &&
         writer.bye(sources.first(std::min<std::size_t>(sources.size(), 31)));
}

void Reporter::handle_packet(Time now, NtpTime ntp_now, const ExtendedReport& report) {
  XrReader blocks = report.blocks();
  while (const auto block = blocks.next()) {
    if (const auto time = block->reference_time()) {
      std::erase_if(references_,
                    [&](const Reference& known) { return known.ssrc == report.sender; });
      if (references_.size() == kMaxReferences) references_.erase(references_.begin());
      references_.push_back({report.sender, time->compact(), now});
    }
    const auto records = block->dlrr();
    if (!records) continue;
    for (const DlrrRecord record : *records) {
      const auto measured = rtp::round_trip(ntp_now, record.last_report, record.delay);
      if (measured && record.ssrc == config_.ssrc) round_trip_ = *measured;
    }
  }
}

}  // namespace floe::rtp
