#include <cstddef>
#include <cstdint>
#include <variant>
#include <vector>

#include "floe/core/check.h"
#include "floe/rtp/rtcp_reader.h"
#include "floe/rtp/sent_sequences.h"

namespace {

using namespace floe::rtp;

template <typename T>
void use(const T& value) {
  asm volatile("" : : "r"(&value) : "memory");
}

struct Visitor {
  void operator()(const SenderReport& report) { use_all(report.reports); }
  void operator()(const ReceiverReport& report) { use_all(report.reports); }
  void operator()(const SourceDescription& description) {
    auto items = description.items();
    while (const auto item = items.next()) use(item->text.size());
  }
  void operator()(const Bye& bye) { use_all(bye.sources); }
  void operator()(const App& app) { FLOE_CHECK(app.name.size() == 4); }
  void operator()(const ExtendedReport& report) {
    auto blocks = report.blocks();
    while (const auto block = blocks.next()) {
      use(block->reference_time());
      if (const auto records = block->dlrr()) use_all(*records);
    }
  }
  void operator()(const Nack& nack) {
    std::size_t count = 0;
    nack.for_each([&](std::uint16_t) { ++count; });
    FLOE_CHECK(count >= nack.pairs.size() && count <= 17 * nack.pairs.size());
  }
  void operator()(const PictureLossIndication&) {}
  void operator()(const FullIntraRequest& request) { use_all(request.entries); }
  void operator()(const Remb& remb) { use_all(remb.sources); }
  void operator()(const TransportFeedback& feedback) {
    std::size_t count = 0;
    feedback.for_each([&](const PacketStatus& status) {
      FLOE_CHECK(status.sequence == static_cast<std::uint16_t>(feedback.base_sequence() + count));
      ++count;
    });
    FLOE_CHECK(count == feedback.status_count());
    SentSequences sent;
    std::vector<PacketReport> reports;
    sent.read(feedback, reports);
    FLOE_CHECK(reports.size() == feedback.status_count());
  }

  template <typename T>
  void use_all(const Records<T>& records) {
    for (const T record : records) use(record);
  }
};

}  // namespace

// Any bytes as RTCP: walk over all that is there.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  RtcpReader reader({data, size});
  std::size_t packets = 0;
  while (const auto packet = reader.next()) {
    std::visit(Visitor{}, *packet);
    ++packets;
  }
  FLOE_CHECK(packets + reader.unknown() + reader.malformed() <= size / 4 + 1);
  return 0;
}
