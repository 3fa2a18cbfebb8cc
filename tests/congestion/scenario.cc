#include "tests/congestion/scenario.h"

#include <algorithm>
#include <memory>
#include <numeric>

#include "floe/core/json_writer.h"
#include "floe/net/sim/world.h"
#include "tests/congestion/media_flow.h"

namespace floe::rtp {
namespace {

using namespace std::chrono_literals;
using net::sim::Host;
using net::sim::LinkOptions;
using net::sim::World;

/// A download that takes what it can.
class Download final : public net::StreamHandler, public net::ListenerHandler {
 public:
  Download(Host& from, Host& to) {
    constexpr std::uint16_t kPort = 80;
    listener_ = *to.listen({net::Address::v4(0, 0, 0, 0), kPort}, *this);
    stream_ = *from.connect({to.address(), kPort}, std::nullopt, *this);
  }
  std::size_t received_bytes() const { return sink_.bytes; }

  void on_connected() override { fill(); }
  void on_data(MutableBytes) override {}
  void on_closed(const Error&) override {}
  void on_drained() override { fill(); }
  void on_accept(std::unique_ptr<net::Stream> stream) override {
    sink_.stream = std::move(stream);
    sink_.stream->set_handler(sink_);
  }

 private:
  struct Sink final : net::StreamHandler {
    void on_data(MutableBytes data) override { bytes += data.size(); }
    void on_closed(const Error&) override {}
    std::unique_ptr<net::Stream> stream;
    std::size_t bytes = 0;
  };
  void fill() {
    while (stream_->write(piece_)) {
    }
  }

  std::vector<std::uint8_t> piece_ = std::vector<std::uint8_t>(16 * 1024);
  Sink sink_;
  std::unique_ptr<net::Listener> listener_;
  std::unique_ptr<net::Stream> stream_;
};

LinkOptions uplink(const Scenario& scenario, Bitrate capacity) {
  LinkOptions link;
  link.latency = scenario.round_trip / 2;
  link.loss = scenario.loss;
  link.burst_loss = scenario.bursts;
  link.rate = static_cast<std::uint64_t>(capacity.bps());
  link.queue_bytes = capacity.bytes_in(scenario.queue);
  return link;
}

LinkOptions downlink(const Scenario& scenario) {
  LinkOptions link;
  link.latency = scenario.round_trip / 2;
  link.loss = scenario.loss;
  link.burst_loss = scenario.bursts;
  return link;
}

Duration percentile(std::vector<Duration>& values, double part) {
  if (values.empty()) return {};
  const auto at =
      values.begin() + static_cast<std::ptrdiff_t>(part * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

double kbps(std::size_t bytes, Duration over) {
  return Bitrate::of(bytes, over).kbps();
}

/// Mean of what each second, from `from` on, used of the capacity.
std::vector<double> use_of_seconds(const std::vector<Result::Sample>& samples) {
  constexpr std::size_t kPerSecond = 1s / Result::kSampleTime;
  std::vector<double> seconds;
  for (std::size_t i = 0; i + kPerSecond <= samples.size(); i += kPerSecond) {
    double sent = 0;
    double capacity = 0;
    for (std::size_t j = i; j < i + kPerSecond; ++j) {
      sent += samples[j].sent;
      capacity += samples[j].capacity;
    }
    seconds.push_back(sent / capacity);
  }
  return seconds;
}

std::optional<Duration> first_reaching(const std::vector<double>& seconds, Duration from,
                                       double use) {
  for (auto i = static_cast<std::size_t>(from / 1s); i < seconds.size(); ++i) {
    if (seconds[i] >= use) return (i + 1) * 1s - from;
  }
  return std::nullopt;
}

}  // namespace

Bitrate Scenario::capacity_at(Duration at) const {
  return drops && at >= kDropAt && at < kBackAt ? capacity * (1.0 / 3) : capacity;
}

Result run(const Scenario& scenario, std::uint64_t seed) {
  World world(seed);
  Host& alice = world.add_host("alice");
  LinkOptions wide;
  wide.latency = 0ms;
  Host& bob = world.add_host("bob", {.link = wide});
  const Time start = world.now();
  const auto set_capacity = [&](Bitrate capacity) {
    alice.interface().set_link(uplink(scenario, capacity), downlink(scenario));
  };
  set_capacity(scenario.capacity);
  if (scenario.drops) {
    for (const Duration at : {Scenario::kDropAt, Scenario::kBackAt}) {
      world.after(at, [&, at] { set_capacity(scenario.capacity_at(at)); });
    }
  }

  const BitrateLimits limits{.min = 30_kbps, .start = 300_kbps, .max = 5000_kbps};
  MediaFlow call(world, alice, bob, {.limits = limits});
  std::unique_ptr<Download> download;
  std::unique_ptr<MediaFlow> other;
  if (scenario.rival != Rival::kNone) {
    world.after(Scenario::kRivalAt, [&] {
      if (scenario.rival == Rival::kTcp) {
        download = std::make_unique<Download>(alice, bob);
      } else {
        other =
            std::make_unique<MediaFlow>(world, alice, bob, MediaFlow::Options{.limits = limits});
      }
    });
  }
  const auto rival_bytes = [&] {
    return download ? download->received_bytes() : other ? other->received_bytes() : 0;
  };

  Result result;
  std::vector<Duration> settled_delays;
  std::size_t sent = 0;
  std::size_t rival = 0;
  while (world.now() - start < Scenario::kLength) {
    world.run_for(Result::kSampleTime);
    const Duration at = world.now() - start;
    Result::Sample sample;
    sample.capacity = scenario.capacity_at(at - Result::kSampleTime).kbps();
    sample.target = call.controller().target().bitrate.kbps();
    sample.sent =
        kbps(call.sent_bytes() - std::exchange(sent, call.sent_bytes()), Result::kSampleTime);
    sample.rival = kbps(rival_bytes() - std::exchange(rival, rival_bytes()), Result::kSampleTime);
    sample.loss = 100 * call.controller().target().loss;
    for (const Duration delay : call.take_delays()) {
      const Duration waited = delay - scenario.round_trip / 2;
      sample.queue =
          std::max(sample.queue, std::chrono::duration<double, std::milli>(waited).count());
      if (at > Scenario::kSettled) settled_delays.push_back(waited);
    }
    const bool is_long = sample.queue >= static_cast<double>(to_ms(Scenario::kLongWait));
    const bool is_drop = scenario.drops && at > Scenario::kDropAt && at <= Scenario::kBackAt;
    // The first second is the one in which it fills.
    const Duration long_for = at - Scenario::kDropAt;
    if (is_drop && is_long &&
        (long_for <= 1s || result.drained + Result::kSampleTime >= long_for)) {
      result.drained = long_for;
    }
    result.samples.push_back(sample);
  }
  call.stop();
  if (other) other->stop();

  const std::vector<double> seconds = use_of_seconds(result.samples);
  const auto settled_from = seconds.begin() + Scenario::kSettled / 1s;
  result.use = std::accumulate(settled_from, seconds.end(), 0.0) /
               static_cast<double>(seconds.end() - settled_from);
  const auto settled_samples = result.samples.begin() + Scenario::kSettled / Result::kSampleTime;
  for (auto sample = settled_samples; sample != result.samples.end(); ++sample) {
    result.rival += sample->rival / sample->capacity /
                    static_cast<double>(result.samples.end() - settled_samples);
  }
  // The first seconds are the start's own matter.
  constexpr std::ptrdiff_t kStartSeconds = 5;
  result.worst_second = *std::min_element(seconds.begin() + kStartSeconds, seconds.end());
  result.longest_queue = percentile(settled_delays, 1);
  result.queue = percentile(settled_delays, 0.95);
  result.settled = first_reaching(seconds, {}, scenario.bounds.least_use);
  result.recovered = first_reaching(seconds, Scenario::kBackAt, scenario.bounds.least_use);
  result.loss =
      1 - static_cast<double>(call.received_packets()) / static_cast<double>(call.sent_packets());
  result.packets = call.sent_packets();
  return result;
}

std::string to_json(const Scenario& scenario, const Result& result) {
  JsonWriter json;
  const auto number = [&](std::string_view key, double value) {
    json.key(key);
    json.decimal(value);
  };
  const auto milliseconds = [&](std::string_view key, Duration value) {
    json.key(key);
    json.milliseconds(value);
  };
  json.begin_object();
  json.key("name");
  json.text(scenario.name);
  json.key("title");
  json.text(scenario.title);
  json.key("group");
  json.text(scenario.group);
  number("capacity", scenario.capacity.kbps());
  number("chance_of_loss", scenario.loss);
  milliseconds("longest_possible_queue", scenario.queue);
  milliseconds("round_trip", scenario.round_trip);
  milliseconds("sample", Result::kSampleTime);
  json.key("bounds");
  json.begin_object();
  number("least_use", scenario.bounds.least_use);
  number("most_use", scenario.bounds.most_use);
  number("worst_second", scenario.bounds.worst_second);
  milliseconds("queue", scenario.bounds.queue);
  milliseconds("settled", scenario.bounds.settled);
  if (scenario.drops) {
    milliseconds("recovered", scenario.bounds.recovered);
    milliseconds("drained", scenario.bounds.drained);
  }
  if (scenario.rival != Rival::kNone) number("rival", scenario.bounds.rival);
  json.end_object();
  json.key("seen");
  json.begin_object();
  number("use", result.use);
  number("worst_second", result.worst_second);
  milliseconds("queue", result.queue);
  milliseconds("longest_queue", result.longest_queue);
  if (result.settled) milliseconds("settled", *result.settled);
  if (scenario.drops && result.recovered) milliseconds("recovered", *result.recovered);
  if (scenario.drops) milliseconds("drained", result.drained);
  if (scenario.rival != Rival::kNone) number("rival", result.rival);
  number("loss", result.loss);
  json.end_object();
  const auto series = [&](std::string_view key, double Result::Sample::*member) {
    json.key(key);
    json.begin_array();
    for (const Result::Sample& sample : result.samples) {
      json.decimal(static_cast<double>(static_cast<std::int64_t>(sample.*member * 10 + 0.5)) / 10);
    }
    json.end_array();
  };
  series("capacity_kbps", &Result::Sample::capacity);
  series("target_kbps", &Result::Sample::target);
  series("sent_kbps", &Result::Sample::sent);
  if (scenario.rival != Rival::kNone) series("rival_kbps", &Result::Sample::rival);
  series("queue_ms", &Result::Sample::queue);
  series("loss_percent", &Result::Sample::loss);
  json.end_object();
  return json.take();
}

void PrintTo(const Scenario& scenario, std::ostream* out) {
  *out << scenario.title;
}

}  // namespace floe::rtp
