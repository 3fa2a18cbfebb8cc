#include "floe/servers/signaling/signaling_server.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "floe/servers/signaling/internal/static_files.h"
#include "tests/servers/loopback.h"

namespace floe::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

class SignalingServerTest : public SignalingLoopback {};

TEST_F(SignalingServerTest, TwoClientsJoinExchangeSignalsAndPart) {
  options_.ice_servers = {{{"stun:127.0.0.1:3478"}, "", ""}};
  serve();
  Listening ann, ben;
  join(ann, "kitchen", "Ann");
  EXPECT_EQ(ann.joined[0].ice_servers, options_.ice_servers);
  join(ben, "kitchen", "Ben");
  EXPECT_EQ(ben.joined[0].peers, (std::vector<Peer>{{ann.joined[0].id, "Ann"}}));
  ASSERT_TRUE(until([&] { return !ann.peers_joined.empty(); }));
  EXPECT_EQ(ann.peers_joined[0], (Peer{ben.joined[0].id, "Ben"}));

  const Signal offer = Description{"offer", "v=0\r\n"};
  const Signal candidate = Candidate{"candidate:1 1 udp 1 192.0.2.1 9 typ host", "0", 0, "abcd"};
  const Signal answer = Description{"answer", "v=0\r\n"};
  ASSERT_TRUE(ann.client->send(ben.joined[0].id, offer));
  ASSERT_TRUE(ann.client->send(ben.joined[0].id, candidate));
  ASSERT_TRUE(until([&] { return ben.signals.size() == 2; }));
  EXPECT_EQ(ben.signals[0], std::pair(ann.joined[0].id, offer));
  EXPECT_EQ(ben.signals[1], std::pair(ann.joined[0].id, candidate));
  ASSERT_TRUE(ben.client->send(ann.joined[0].id, answer));
  ASSERT_TRUE(until([&] { return !ann.signals.empty(); }));
  EXPECT_EQ(ann.signals[0], std::pair(ben.joined[0].id, answer));

  ASSERT_TRUE(ann.client->leave());
  ASSERT_TRUE(until([&] { return !ben.peers_left.empty() && ann.left == 1; }));
  EXPECT_EQ(ben.peers_left[0], ann.joined[0].id);
  EXPECT_EQ(server_->stats().peers, 1u);
  EXPECT_EQ(server_->stats().relayed, 3u);
}

TEST_F(SignalingServerTest, ListensOnIpv6) {
  options_.bind = {*net::Address::parse("::1"), 0};
  serve();
  EXPECT_THAT(server_->url(), StartsWith("ws://[::1]:"));
  Listening ann;
  join(ann, "kitchen", "Ann");
}

TEST_F(SignalingServerTest, SaysThatARoomIsFull) {
  options_.limits.max_peers_per_room = 1;
  serve();
  Listening ann, ben;
  join(ann, "kitchen", "Ann");
  connect(ben);
  ASSERT_TRUE(ben.client->join("kitchen", "Ben"));
  ASSERT_TRUE(until([&] { return !ben.errors.empty(); }));
  EXPECT_EQ(ben.errors[0].code, Refused::kRoomFull);
}

TEST_F(SignalingServerTest, TurnsAwayOneConnectionTooManyWithAReason) {
  options_.limits.max_connections = 1;
  serve();
  const auto first = upgraded();
  const auto second = upgraded();
  EXPECT_EQ(refusal(*second), Refused::kServerFull);
  ASSERT_TRUE(until([&] { return second->ended(); }));
  EXPECT_EQ(second->close_code(), 1013);
  EXPECT_EQ(second->close_reason(), "server-full");
  EXPECT_FALSE(first->ended());
}

TEST_F(SignalingServerTest, AnswersMalformedMessagesAndGoesOn) {
  serve();
  const auto socket = upgraded();
  for (const char* text : {"{", "", "\xff\xfe", R"({"type":"join","room":1})"}) {
    socket->send_text(text);
  }
  for (int i = 0; i < 3; ++i) EXPECT_EQ(refusal(*socket), Refused::kBadJson);
  EXPECT_EQ(refusal(*socket), Refused::kBadField);
  socket->send_text(R"({"type":"join","room":"kitchen"})");
  EXPECT_TRUE(std::holds_alternative<Joined>(next(*socket)));
}

TEST_F(SignalingServerTest, TakesAMessageInFragments) {
  serve();
  const auto socket = upgraded();
  socket->send_frame(0x01, R"({"type":)");
  socket->send_frame(0x89, "a ping between them");
  socket->send_frame(0x00, R"("join","room":)");
  socket->send_frame(0x00, R"("kitchen"})");
  socket->send_frame(0x80, "");
  EXPECT_TRUE(std::holds_alternative<Joined>(next(*socket)));
}

TEST_F(SignalingServerTest, TakesAMessageOfTheLargestSize) {
  serve();
  Listening ann;
  join(ann, "kitchen", "Ann");
  const std::string around = serialize(ClientMessage(Relay{ann.joined[0].id, "\"\""}));
  const std::string payload(options_.limits.max_message_bytes - around.size(), 'x');
  ASSERT_TRUE(ann.client->send(ann.joined[0].id, OtherSignal{"\"" + payload + "\""}));
  ASSERT_TRUE(until([&] { return !ann.signals.empty(); }));
  EXPECT_EQ(ann.signals[0].second, Signal(OtherSignal{"\"" + payload + "\""}));
  ASSERT_TRUE(ann.client->send(ann.joined[0].id, OtherSignal{"\"x" + payload + "\""}));
  ASSERT_TRUE(until([&] { return !ann.closed.empty(); }));
  EXPECT_EQ(ann.errors.at(0).code, Refused::kMessageTooBig);
  EXPECT_THAT(ann.closed[0].message, HasSubstr("1009 message-too-big"));
}

TEST_F(SignalingServerTest, ClosesOnceAMessageInFragmentsHasGrownTooLarge) {
  options_.limits.max_message_bytes = 1000;
  serve();
  const auto socket = upgraded();
  socket->send_frame(0x01, std::string(600, ' '));
  socket->send_frame(0x00, std::string(600, ' '));
  EXPECT_EQ(refusal(*socket), Refused::kMessageTooBig);
  ASSERT_TRUE(until([&] { return socket->ended(); }));
  EXPECT_EQ(socket->close_code(), 1009);
}

TEST_F(SignalingServerTest, ClosesAfterABinaryMessage) {
  serve();
  const auto socket = upgraded();
  socket->send_frame(0x82, "{}");
  EXPECT_EQ(refusal(*socket), Refused::kNotText);
  ASSERT_TRUE(until([&] { return socket->ended(); }));
  EXPECT_EQ(socket->close_code(), 1003);
}

TEST_F(SignalingServerTest, ClosesOneThatFloodsIt) {
  options_.limits.message_burst = 5;
  serve();
  const auto socket = upgraded();
  for (int i = 0; i < 20; ++i) socket->send_text("{}");
  ASSERT_TRUE(until([&] { return socket->ended(); }));
  EXPECT_EQ(socket->close_code(), 1008);
  EXPECT_EQ(socket->close_reason(), "too-many-messages");
  EXPECT_THAT(socket->texts(), SizeIs(5 + 2));
}

TEST_F(SignalingServerTest, ClosesOneThatJoinsNoRoom) {
  options_.limits.join_timeout = milliseconds(50);
  serve();
  const auto socket = upgraded();
  EXPECT_EQ(refusal(*socket), Refused::kJoinTimeout);
  ASSERT_TRUE(until([&] { return socket->ended(); }));
}

TEST_F(SignalingServerTest, ClosesOneThatNeverFinishesItsHandshake) {
  options_.limits.join_timeout = milliseconds(50);
  serve();
  const auto silent = raw();
  const auto slow = raw();
  slow->send_bytes("GET /signal HTT");
  EXPECT_TRUE(until([&] { return silent->ended() && slow->ended(); }));
}

TEST_F(SignalingServerTest, NoticesAPeerThatWasKilled) {
  serve();
  Listening ann;
  join(ann, "kitchen", "Ann");
  auto killed = raw_join("kitchen");
  ASSERT_TRUE(until([&] { return !ann.peers_joined.empty(); }));
  // The system closes a killed process's sockets.
  forget(killed);
  killed.reset();
  EXPECT_TRUE(until([&] { return !ann.peers_left.empty(); }));
}

TEST_F(SignalingServerTest, NoticesAPeerThatFellSilentWithinItsTwoTimeouts) {
  options_.limits.ping_interval = milliseconds(100);
  options_.limits.pong_timeout = milliseconds(100);
  serve();
  const auto alive = raw_join("kitchen");
  const auto silent = raw_join("kitchen");
  EXPECT_TRUE(std::holds_alternative<PeerJoined>(next(*alive)));
  silent->answers_pings = false;
  const Time start = loop_.network().now();
  EXPECT_TRUE(std::holds_alternative<PeerLeft>(next(*alive)));
  EXPECT_GE(loop_.network().now() - start, milliseconds(150));
  EXPECT_TRUE(until([&] { return silent->ended(); }));
  EXPECT_EQ(server_->stats().dead, 1u);
  ASSERT_TRUE(until([&] { return alive->pings() >= 4; }));
  EXPECT_FALSE(alive->ended());
}

TEST_F(SignalingServerTest, DropsAReaderThatDoesNotReadAndServesTheOthers) {
  options_.limits.max_queued_bytes = 100'000;
  options_.limits.message_burst = 100'000;
  serve();
  const auto slow = raw_join("kitchen", 4096);
  Listening ann;
  join(ann, "kitchen", "Ann");
  slow->reads = false;
  const std::string to = ann.joined[0].peers.at(0).id;
  const OtherSignal big{"\"" + std::string(60'000, 'x') + "\""};
  // The system's own buffers have to fill first, some megabytes.
  ASSERT_TRUE(until([&] {
    if (ann.client->buffered_amount() < 200'000) {
      EXPECT_TRUE(ann.client->send(to, big));
    }
    return !ann.peers_left.empty();
  }));
  EXPECT_EQ(ann.peers_left[0], to);
  EXPECT_EQ(server_->stats().slow, 1u);
  ASSERT_TRUE(ann.client->send(ann.joined[0].id, OtherSignal{"1"}));
  EXPECT_TRUE(until([&] { return !ann.signals.empty(); }));
  slow->reads = true;
  EXPECT_TRUE(until([&] { return slow->ended(); }));
}

TEST_F(SignalingServerTest, ItsEndIsTheEndOfEveryConnection) {
  serve();
  Listening ann;
  join(ann, "kitchen", "Ann");
  const auto socket = raw_join("kitchen");
  const auto stuck = raw_join("kitchen", 4096);
  const auto half = raw();
  half->send_bytes("GET /");
  loop_.turn();
  const net::Endpoint local = server_->local();
  server_.reset();
  EXPECT_TRUE(until([&] { return socket->ended() && stuck->ended() && half->ended(); }));
  EXPECT_TRUE(until([&] { return !ann.closed.empty(); }));
  EXPECT_EQ(ann.closed[0].code, Errc::kClosed);
  options_.bind = local;
  serve();
}

TEST_F(SignalingServerTest, SaysThatAPortIsTaken) {
  serve();
  options_.bind = server_->local();
  const auto second = SignalingServer::listen(loop_.network(), loop_.loop(), options_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::kAddressInUse);
  EXPECT_THAT(second.error().message, HasSubstr(server_->local().to_string()));
}

TEST_F(SignalingServerTest, RefusesOptionsThatMakeNoSense) {
  const auto refused = [&](auto change) {
    SignalingServerOptions options;
    change(options);
    const auto server = SignalingServer::listen(loop_.network(), loop_.loop(), options);
    return server ? std::nullopt : std::optional(server.error().code);
  };
  EXPECT_EQ(refused([](auto& options) { options.limits.max_rooms = 0; }), Errc::kInvalidArgument);
  EXPECT_EQ(refused([](auto& options) { options.path = "signal"; }), Errc::kInvalidArgument);
  EXPECT_EQ(refused([](auto& options) { options.www = "/no/such/folder"; }), Errc::kNotFound);
  EXPECT_EQ(refused([](auto& options) { options.bind.address = net::Address::v4(192, 0, 2, 1); }),
            Errc::kAddressNotAvailable);
}

TEST_F(SignalingServerTest, AnswersOtherRequestsWithTheirStatus) {
  serve();
  EXPECT_THAT(get("/"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(get("/signal"), StartsWith("HTTP/1.1 426"));
  EXPECT_THAT(get("/", "POST"), StartsWith("HTTP/1.1 405"));
  EXPECT_THAT(get("/", "DELETE"), StartsWith("HTTP/1.1 405"));
  const auto elsewhere = raw();
  elsewhere->upgrade("/elsewhere");
  EXPECT_TRUE(until([&] { return complete(elsewhere->http()); }));
  EXPECT_THAT(elsewhere->http(), HasSubstr(" 404 "));
  EXPECT_EQ(server_->stats().connected, 0u);
}

/// A folder with a page, a script, a hidden file and links in and out of it.
class StaticFilesTest : public SignalingLoopback {
 protected:
  StaticFilesTest() {
    // Tests may run at the same time as others of their kind.
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    base_ = std::filesystem::temp_directory_path() /
            ("floe-" + std::string(info->name()) + "-" + std::to_string(uv_os_getpid()));
    std::filesystem::create_directories(base_ / "www" / "sub");
    write("secret.txt", "secret");
    write("www/index.html", "<p>page</p>");
    write("www/sub/index.html", "<p>sub</p>");
    write("www/sub/app.JS", "1;");
    write("www/.env", "secret");
    write("www/thing", "?");
    std::filesystem::create_symlink(base_ / "secret.txt", base_ / "www" / "out.txt");
    std::filesystem::create_symlink("index.html", base_ / "www" / "in.html");
    options_.www = (base_ / "www").string();
  }
  ~StaticFilesTest() override { std::filesystem::remove_all(base_); }

  void write(const std::string& name, std::string_view text) {
    std::ofstream(base_ / name) << text;
  }

  std::filesystem::path base_;
};

TEST_F(StaticFilesTest, AreServedWithTheirContentTypes) {
  serve();
  const std::string page = get("/");
  EXPECT_THAT(page, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(page, HasSubstr("content-type: text/html; charset=utf-8\r\n"));
  EXPECT_THAT(page, HasSubstr("x-content-type-options: nosniff\r\n"));
  EXPECT_THAT(page, HasSubstr("\r\n\r\n<p>page</p>"));
  EXPECT_THAT(get("/sub/app.JS"), HasSubstr("content-type: text/javascript; charset=utf-8\r\n"));
  EXPECT_THAT(get("/thing"), HasSubstr("content-type: application/octet-stream\r\n"));
  EXPECT_THAT(get("/in.html?query=1"), HasSubstr("<p>page</p>"));
  EXPECT_THAT(get("/sub/"), HasSubstr("<p>sub</p>"));
}

TEST_F(StaticFilesTest, AFolderWithoutItsSlashIsElsewhere) {
  serve();
  EXPECT_THAT(get("/sub"),
              testing::AllOf(StartsWith("HTTP/1.1 301"), HasSubstr("location: /sub/\r\n")));
}

TEST_F(StaticFilesTest, NothingOutsideOfTheFolderIsServed) {
  serve();
  for (const char* path :
       {"/../secret.txt", "/sub/../../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt",
        "/sub/%2e%2e/%2e%2e/secret.txt", "/..\\secret.txt", "/%5c..%5csecret.txt", "/out.txt",
        "/.env", "/%2eenv", "//etc/passwd", "/sub/..%00/app.JS"}) {
    const std::string answer = get(path);
    EXPECT_THAT(answer, Not(StartsWith("HTTP/1.1 200"))) << path;
    EXPECT_THAT(answer, Not(HasSubstr("secret"))) << path;
  }
}

TEST_F(StaticFilesTest, ThePathItselfMayNotLeaveTheFolder) {
  // What libwebsockets has decoded and shortened by itself must not be relied upon.
  const StaticFiles files = *StaticFiles::open(options_.www);
  EXPECT_EQ(files.answer("/sub/app.JS").status, 200u);
  for (const std::string& path :
       {std::string("/../secret.txt"), std::string("/sub/../../secret.txt"),
        std::string("/./thing"), std::string("/.env"), std::string("/out.txt"),
        std::string("/sub\\app.JS"), std::string("/thing\0", 7), std::string("thing"),
        std::string(), std::string("/../www/thing"), "/" + std::string(5000, 'a'),
        std::string("//sub"), (base_ / "secret.txt").string(),
        "/" + (base_ / "secret.txt").string()}) {
    EXPECT_EQ(files.answer(path).status, 404u) << path;
  }
  EXPECT_EQ(StaticFiles().answer("/thing").status, 404u);
}

TEST_F(StaticFilesTest, AreServedBesideWebSockets) {
  write("www/big.bin", std::string(3'000'000, 'b'));
  serve();
  auto download = raw();
  download->request("/big.bin");
  Listening ann;
  join(ann, "kitchen", "Ann");
  EXPECT_TRUE(until([&] { return complete(download->http()); }));
  EXPECT_GT(download->http().size(), 3'000'000u);
}

}  // namespace
}  // namespace floe::server
