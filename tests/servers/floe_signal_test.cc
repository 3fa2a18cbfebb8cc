// The program floe-signal, started as other programs start it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <uv.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "floe/core/text.h"
#include "tests/servers/loopback.h"

namespace floe::server {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::SizeIs;

/// A child process with what it wrote.
class Child {
 public:
  Child(uv_loop_t& loop, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), FLOE_SIGNAL);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    std::array<uv_stdio_container_t, 3> stdio{};
    stdio[0].flags = UV_IGNORE;
    for (std::size_t i : {1, 2}) {
      uv_pipe_init(&loop, &pipes_[i - 1].handle, 0);
      pipes_[i - 1].handle.data = &pipes_[i - 1].text;
      stdio[i].flags = static_cast<uv_stdio_flags>(UV_CREATE_PIPE | UV_WRITABLE_PIPE);
      stdio[i].data.stream = reinterpret_cast<uv_stream_t*>(&pipes_[i - 1].handle);
    }
    uv_process_options_t options{};
    options.file = argv[0];
    options.args = argv.data();
    options.stdio_count = 3;
    options.stdio = stdio.data();
    options.exit_cb = [](uv_process_t* process, std::int64_t status, int) {
      static_cast<Child*>(process->data)->status_ = status;
    };
    process_.data = this;
    EXPECT_EQ(uv_spawn(&loop, &process_, &options), 0);
    for (Pipe& pipe : pipes_) {
      uv_read_start(
          reinterpret_cast<uv_stream_t*>(&pipe.handle),
          [](uv_handle_t*, std::size_t, uv_buf_t* buffer) {
            static std::array<char, 65536> space;
            *buffer = uv_buf_init(space.data(), space.size());
          },
          [](uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer) {
            if (size <= 0) return;
            static_cast<std::string*>(stream->data)
                ->append(buffer->base, static_cast<std::size_t>(size));
          });
    }
  }
  ~Child() {
    if (!status_) uv_process_kill(&process_, SIGKILL);
    uv_close(reinterpret_cast<uv_handle_t*>(&process_), nullptr);
    for (Pipe& pipe : pipes_) uv_close(reinterpret_cast<uv_handle_t*>(&pipe.handle), nullptr);
    // The handles stand in this object: the loop must be done with them.
    uv_run(process_.loop, UV_RUN_NOWAIT);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void signal(int number) { uv_process_kill(&process_, number); }
  std::optional<std::int64_t> status() const { return status_; }
  const std::string& out() const { return pipes_[0].text; }
  const std::string& err() const { return pipes_[1].text; }

 private:
  struct Pipe {
    uv_pipe_t handle{};
    std::string text;
  };
  uv_process_t process_{};
  std::array<Pipe, 2> pipes_;
  std::optional<std::int64_t> status_;
};

class FloeSignal : public SignalingLoopback {
 protected:
  /// Waits for so many lines on the standard output.
  std::vector<std::string> lines(const Child& child, std::ptrdiff_t count) {
    const auto& out = child.out();
    EXPECT_TRUE(until([&] {
      return std::count(out.begin(), out.end(), '\n') >= count || child.status();
    })) << child.err();
    std::vector<std::string> lines;
    for (const std::string_view line : split(out, '\n')) {
      if (!line.empty()) lines.emplace_back(line);
    }
    return lines;
  }
};

TEST_F(FloeSignal, TellsWhereItListensServesThereAndStopsWhenTold) {
  for (const int number : {SIGINT, SIGTERM}) {
    Child child(loop_.loop(), {"--port", "0", "--stun-port", "0"});
    const std::vector<std::string> told = lines(child, 2);
    ASSERT_THAT(told, SizeIs(2));
    EXPECT_THAT(told[0], MatchesRegex("signaling ws://127.0.0.1:[0-9]+/signal"));
    EXPECT_THAT(told[1], MatchesRegex("stun 127.0.0.1:[0-9]+"));

    Listening ann;
    ann.client = SignalingClient::connect(loop_.network(), loop_.loop(),
                                          told[0].substr(std::string("signaling ").size()), ann)
                     .value();
    ASSERT_TRUE(ann.client->join("kitchen", "Ann"));
    ASSERT_TRUE(until([&] { return !ann.joined.empty(); }));
    const std::string stun = "stun:" + told[1].substr(std::string("stun ").size());
    EXPECT_EQ(ann.joined[0].ice_servers, (std::vector<IceServer>{{{stun}, "", ""}}));

    child.signal(number);
    ASSERT_TRUE(until([&] { return child.status().has_value(); }));
    EXPECT_EQ(child.status(), 0) << child.err();
    EXPECT_THAT(child.err(), HasSubstr("peers=1"));
    EXPECT_TRUE(until([&] { return !ann.closed.empty(); }));
  }
}

TEST_F(FloeSignal, SaysThatAPortIsTakenAndFails) {
  serve();
  Child child(loop_.loop(), {"--port", std::to_string(server_->local().port), "--no-stun"});
  ASSERT_TRUE(until([&] { return child.status().has_value() && !child.err().empty(); }));
  EXPECT_EQ(child.status(), 1);
  EXPECT_THAT(child.err(), HasSubstr("cannot listen on TCP " + server_->local().to_string() +
                                     ": address already in use"));
  EXPECT_EQ(child.out(), "");
}

TEST_F(FloeSignal, RefusesFlagsThatMakeNoSense) {
  const std::vector<std::vector<std::string>> wrong = {
      {"--bind", "nowhere"},        {"--port", "70000"},       {"--max-rooms", "0"},
      {"--ice-server", "h:1"},      {"--ping-interval", "-1"}, {"--www", "/no/such/folder"},
      {"--ice-server", "turn:h,u"}, {"--no-such-flag"}};
  for (std::vector<std::string> flags : wrong) {
    const std::string name = flags[0];
    flags.insert(flags.end(), {"--no-stun"});
    if (name != "--port") flags.insert(flags.end(), {"--port", "0"});
    Child child(loop_.loop(), flags);
    ASSERT_TRUE(until([&] { return child.status().has_value() && !child.err().empty(); })) << name;
    EXPECT_NE(child.status(), 0) << name;
    EXPECT_EQ(child.out(), "") << name;
  }
}

TEST_F(FloeSignal, TellsClientsOfTheServersItWasGiven) {
  Child child(loop_.loop(),
              {"--port", "0", "--stun-port", "0", "--bind", "0.0.0.0", "--public-host",
               "stun.example.com", "--ice-server", "turn:turn.example.com:3478,user,secret"});
  const std::vector<std::string> told = lines(child, 2);
  ASSERT_THAT(told, SizeIs(2));
  const std::string port = told[0].substr(std::string("signaling ws://0.0.0.0:").size());
  Listening ann;
  ann.client =
      SignalingClient::connect(loop_.network(), loop_.loop(), "ws://127.0.0.1:" + port, ann)
          .value();
  ASSERT_TRUE(ann.client->join("kitchen", "Ann"));
  ASSERT_TRUE(until([&] { return !ann.joined.empty(); }));
  const std::string stun_port = told[1].substr(told[1].rfind(':') + 1);
  EXPECT_EQ(ann.joined[0].ice_servers,
            (std::vector<IceServer>{{{"stun:stun.example.com:" + stun_port}, "", ""},
                                    {{"turn:turn.example.com:3478"}, "user", "secret"}}));
}

}  // namespace
}  // namespace floe::server
