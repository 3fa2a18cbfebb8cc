#include "floe/net/sim/trace.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <set>

#include "tests/sim/talker.h"

namespace floe::net::sim {
namespace {

using namespace std::chrono_literals;

// Some traffic of every kind: UDP and TCP, both families, translated, lost and refused.
struct Busy {
  explicit Busy(std::uint64_t seed, const Trace::Options& options = {}) : world(seed) {
    world.trace().start(options);
    Nat& nat = world.add_nat(NatOptions::symmetric());
    nat.outside().set_link({.latency = 5ms, .jitter = 3ms, .loss = 0.1, .duplicate = 0.1});
    Host& alice_host = world.add_host("alice", {.behind = &nat});
    Host& bob_host = world.add_host("bob", {.stack = Stack::kDual});
    Host& carol_host = world.add_host("carol", {.stack = Stack::kDual});
    Talker alice(alice_host), bob(bob_host, 6000);
    Talker bob6(bob_host, 6000, Address::unspecified(Family::kIpv6));
    Talker carol6(carol_host, 6000, Address::unspecified(Family::kIpv6));
    struct Both final : ListenerHandler, StreamHandler {
      void on_accept(std::unique_ptr<Stream> accepted) override {
        stream = std::move(accepted);
        stream->set_handler(*this);
      }
      void on_data(MutableBytes) override {}
      void on_closed(const Error&) override {}
      std::unique_ptr<Stream> stream;
    } server, client;
    const auto listener = *bob_host.listen({Address(), 80}, server);
    client.stream = *alice_host.connect({bob_host.address(), 80}, std::nullopt, client);
    EXPECT_TRUE(client.stream->write(as_bytes("GET / HTTP/1.1\r\n\r\n")));
    for (int i = 0; i < 20; ++i) {
      alice.say(bob.endpoint(), "datagram " + std::to_string(i));
      bob6.say(carol6.endpoint(Family::kIpv6), std::string(static_cast<std::size_t>(i), 'x'));
      bob.say({nat.address(), 9}, "nobody");
      world.run_for(20ms);
    }
    bob_host.interface().set_link({.mtu = 576});
    alice.say_zeros(bob.endpoint(), 1000);
    client.stream.reset();
    world.run_for(5s);
  }
  World world;
};

TEST(Trace, IsOffUntilItIsStarted) {
  World world(1);
  Host& alice_host = world.add_host("alice");
  Talker alice(alice_host);
  alice.say({Address::v4(192, 0, 2, 1), 9}, "x");
  world.run_for(1s);
  EXPECT_TRUE(world.trace().records().empty());
  EXPECT_EQ(world.trace().digest(), 0u);
}

TEST(Trace, FollowsAPacketFromPlaceToPlace) {
  World world(1);
  world.trace().start();
  Nat& nat = world.add_nat({.port_preservation = true, .name = "router"});
  Host& alice_host = world.add_host("alice", {.behind = &nat});
  Host& bob_host = world.add_host("bob");
  Talker alice(alice_host, 5000), bob(bob_host, 6000);
  alice.say(bob.endpoint(), "hello");
  world.run_for(1s);
  alice.say({bob_host.address(), 7000}, "hello?");
  world.run_for(1s);
  EXPECT_EQ(world.trace().text(),
            "3600.000000000 alice/eth0 UDP 10.0.0.2:5000 > 198.51.100.2:6000 5 sent\n"
            "3600.001000000 router/outside UDP 198.51.100.1:5000 > 198.51.100.2:6000 5 sent\n"
            "3600.003000000 bob/eth0 UDP 198.51.100.1:5000 > 198.51.100.2:6000 5 delivered\n"
            "3601.000000000 alice/eth0 UDP 10.0.0.2:5000 > 198.51.100.2:7000 6 sent\n"
            "3601.001000000 router/outside UDP 198.51.100.1:5000 > 198.51.100.2:7000 6 sent\n"
            "3601.003000000 bob/eth0 UDP 198.51.100.1:5000 > 198.51.100.2:7000 6 no such port\n");
  EXPECT_EQ(as_text(world.trace().payload(world.trace().records()[2])), "hello");
}

TEST(Trace, IsTheSameForTheSameSeedAndAnotherForAnother) {
  Busy one(42), again(42), other(43);
  Trace& trace = one.world.trace();
  EXPECT_GT(trace.records().size(), 150u);
  EXPECT_EQ(trace.pcapng(), again.world.trace().pcapng());
  EXPECT_EQ(trace.digest(), again.world.trace().digest());
  EXPECT_EQ(trace.shape_digest(), again.world.trace().shape_digest());
  EXPECT_NE(trace.digest(), other.world.trace().digest());
}

TEST(Trace, HasADigestThatPayloadsChangeAndOneThatOnlyTheirSizesDo) {
  const auto run = [](std::string_view text) {
    World world(1);
    world.trace().start({.records = false});
    Host& alice_host = world.add_host("alice");
    Talker alice(alice_host);
    alice.say({Address::v4(192, 0, 2, 1), 9}, text);
    world.run_for(1s);
    EXPECT_TRUE(world.trace().records().empty());
    return std::pair(world.trace().digest(), world.trace().shape_digest());
  };
  EXPECT_NE(run("one").first, run("two").first);
  EXPECT_EQ(run("one").second, run("two").second);
  EXPECT_NE(run("one").second, run("four").second);
}

// Little-endian, as the capture is written.
std::uint32_t u32_at(Bytes bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i-- > 0;) value = value << 8 | bytes[at + i];
  return value;
}

std::uint16_t internet_checksum(Bytes bytes, std::uint32_t sum = 0) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    sum += static_cast<std::uint32_t>(i % 2 == 0 ? bytes[i] << 8 : bytes[i]);
  }
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

// A checksum over bytes that hold their own right checksum comes to 0xffff.
void expect_right_checksums(Bytes packet) {
  const bool is_v4 = packet[0] >> 4 == 4;
  const std::size_t header = is_v4 ? 20 : 40;
  if (is_v4) {
    EXPECT_EQ(internet_checksum(packet.first(20)), 0xffff);
  }
  const Bytes addresses = is_v4 ? packet.subspan(12, 8) : packet.subspan(8, 32);
  const std::uint32_t pseudo = internet_checksum(addresses) + packet[is_v4 ? 9 : 6] +
                               static_cast<std::uint32_t>(packet.size() - header);
  EXPECT_EQ(internet_checksum(packet.subspan(header), pseudo), 0xffff);
}

TEST(Trace, WritesBlocksThatFollowTheCaptureFormat) {
  Busy busy(42);
  const std::vector<std::uint8_t> capture = busy.world.trace().pcapng();
  const Bytes bytes(capture);
  std::size_t interfaces = 0, packets = 0;
  std::uint64_t last_time = 0;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::uint32_t type = u32_at(bytes, at);
    const std::uint32_t length = u32_at(bytes, at + 4);
    ASSERT_GE(length, 12u);
    ASSERT_EQ(length % 4, 0u);
    ASSERT_LE(at + length, bytes.size());
    ASSERT_EQ(u32_at(bytes, at + length - 4), length);
    if (at == 0) {
      EXPECT_EQ(type, 0x0a0d0d0au);
      EXPECT_EQ(u32_at(bytes, 8), 0x1a2b3c4du);
    } else if (type == 1) {
      EXPECT_EQ(packets, 0u);
      ++interfaces;
    } else {
      ASSERT_EQ(type, 6u);
      ++packets;
      EXPECT_LT(u32_at(bytes, at + 8), interfaces);
      const std::uint64_t time =
          std::uint64_t{u32_at(bytes, at + 12)} << 32 | u32_at(bytes, at + 16);
      EXPECT_GE(time, last_time);
      last_time = time;
      const std::uint32_t captured = u32_at(bytes, at + 20);
      EXPECT_EQ(u32_at(bytes, at + 24), captured);
      ASSERT_LE(28 + captured, length);
      expect_right_checksums(bytes.subspan(at + 28, captured));
    }
    at += length;
  }
  EXPECT_EQ(packets, busy.world.trace().records().size());
  EXPECT_EQ(interfaces, 8u);  // alice, bob and carol with their loopbacks, the NAT's two sides.
}

TEST(Trace, CutsPacketsWhosePayloadsItDoesNotKeep) {
  Busy busy(42, {.payloads = false});
  const std::vector<std::uint8_t> capture = busy.world.trace().pcapng();
  std::size_t cut = 0;
  for (std::size_t at = 0; at < capture.size(); at += u32_at(capture, at + 4)) {
    if (u32_at(capture, at) != 6) continue;
    EXPECT_LE(u32_at(capture, at + 20), 60u);
    cut += u32_at(capture, at + 20) < u32_at(capture, at + 24);
  }
  EXPECT_GT(cut, 100u);
}

TEST(Trace, SaysWhenAFileCannotBeWritten) {
  EXPECT_FALSE(World(1).trace().write_pcapng("/nonexistent/folder/x.pcapng"));
}

std::string output_of(const std::string& command) {
  std::string output;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return output;
  std::array<char, 4096> buffer;
  while (const std::size_t size = fread(buffer.data(), 1, buffer.size(), pipe)) {
    output.append(buffer.data(), size);
  }
  pclose(pipe);
  return output;
}

TEST(Trace, IsUnderstoodByWireshark) {
  if (output_of("tshark --version 2>/dev/null").empty()) {
    GTEST_SKIP() << "tshark is not installed, so nobody else has read the capture";
  }
  Busy busy(42);
  const auto path = std::filesystem::temp_directory_path() /
                    ("floe_trace_test_" + std::to_string(getpid()) + ".pcapng");
  ASSERT_TRUE(busy.world.trace().write_pcapng(path.string()));
  const std::string read = "tshark -r " + path.string() +
                           " -o ip.check_checksum:TRUE -o udp.check_checksum:TRUE"
                           " -o tcp.check_checksum:TRUE ";
  const auto lines = [&](const std::string& filter, const std::string& field) {
    const std::string text =
        output_of(read + "-Y '" + filter + "' -T fields -e " + field + " 2>/dev/null");
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = text.find('\n', at);
      lines.push_back(text.substr(at, end - at));
      at = end == std::string::npos ? text.size() : end + 1;
    }
    return lines;
  };
  const std::size_t all = busy.world.trace().records().size();
  EXPECT_EQ(lines("udp or tcp", "frame.number").size(), all);
  EXPECT_EQ(lines("(!ip or ip.checksum.status==1) and (udp.checksum.status==1 or "
                  "tcp.checksum.status==1)",
                  "frame.number")
                .size(),
            all);
  const auto names = lines("frame", "frame.interface_name");
  EXPECT_TRUE((std::set(names.begin(), names.end()).contains("alice/eth0")));
  std::size_t drops = 0;
  for (const Trace::Record& record : busy.world.trace().records()) drops += is_drop(record.verdict);
  EXPECT_GT(drops, 5u);
  EXPECT_EQ(lines("frame.comment contains \"dropped\"", "frame.comment").size(), drops);
  EXPECT_EQ(lines("tcp.flags.syn==1 and tcp.flags.ack==0", "tcp.dstport").at(0), "80");
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace floe::net::sim
