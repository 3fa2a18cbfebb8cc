// libnice as a peer that a test talks to in lines of JSON, as tests/netns/ice_peer.cc is floe as
// one.
//
//   nice_peer controlling|controlled [--turn HOST PORT USER PASSWORD udp|tcp] [--stun HOST PORT]
//   [--relay-only]
#include <glib-unix.h>
#include <nice/agent.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace {

using nlohmann::json;

void report(const json& line) {
  std::cout << line.dump() << std::endl;
}

const char* name_of(NiceCandidateType type) {
  switch (type) {
    case NICE_CANDIDATE_TYPE_HOST:
      return "host";
    case NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE:
      return "srflx";
    case NICE_CANDIDATE_TYPE_PEER_REFLEXIVE:
      return "prflx";
    case NICE_CANDIDATE_TYPE_RELAYED:
      return "relay";
  }
  return "unknown";
}

class Peer {
 public:
  explicit Peer(const std::vector<std::string>& words) : loop_(g_main_loop_new(nullptr, FALSE)) {
    agent_ = nice_agent_new_full(g_main_loop_get_context(loop_), NICE_COMPATIBILITY_RFC5245,
                                 static_cast<NiceAgentOption>(NICE_AGENT_OPTION_REGULAR_NOMINATION |
                                                              NICE_AGENT_OPTION_ICE_TRICKLE |
                                                              NICE_AGENT_OPTION_CONSENT_FRESHNESS));
    g_object_set(agent_, "controlling-mode", words.at(0) == "controlling" ? TRUE : FALSE, "upnp",
                 FALSE, "ice-tcp", FALSE, nullptr);
    stream_ = nice_agent_add_stream(agent_, 1);
    for (std::size_t i = 1; i < words.size(); ++i) {
      if (words[i] == "--stun") {
        g_object_set(agent_, "stun-server", words.at(i + 1).c_str(), "stun-server-port",
                     static_cast<guint>(std::stoi(words.at(i + 2))), nullptr);
        i += 2;
      } else if (words[i] == "--turn") {
        nice_agent_set_relay_info(
            agent_, stream_, 1, words.at(i + 1).c_str(),
            static_cast<guint>(std::stoi(words.at(i + 2))), words.at(i + 3).c_str(),
            words.at(i + 4).c_str(),
            words.at(i + 5) == "tcp" ? NICE_RELAY_TYPE_TURN_TCP : NICE_RELAY_TYPE_TURN_UDP);
        i += 5;
      } else if (words[i] == "--relay-only") {
        g_object_set(agent_, "force-relay", TRUE, nullptr);
      } else {
        throw std::invalid_argument("unknown word " + words[i]);
      }
    }
    g_signal_connect(agent_, "new-candidate-full", G_CALLBACK(on_candidate), this);
    g_signal_connect(agent_, "candidate-gathering-done", G_CALLBACK(on_gathered), this);
    g_signal_connect(agent_, "component-state-changed", G_CALLBACK(on_state), this);
    g_signal_connect(agent_, "new-selected-pair-full", G_CALLBACK(on_pair), this);
    nice_agent_attach_recv(agent_, stream_, 1, g_main_loop_get_context(loop_), on_packet, this);
    g_unix_fd_add(STDIN_FILENO, static_cast<GIOCondition>(G_IO_IN | G_IO_HUP), on_input, this);
  }
  ~Peer() {
    nice_agent_remove_stream(agent_, stream_);
    g_object_unref(agent_);
    g_main_loop_unref(loop_);
  }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  void run() {
    report_credentials();
    nice_agent_gather_candidates(agent_, stream_);
    g_main_loop_run(loop_);
  }

 private:
  void report_credentials() {
    gchar* ufrag = nullptr;
    gchar* pwd = nullptr;
    nice_agent_get_local_credentials(agent_, stream_, &ufrag, &pwd);
    report({{"event", "credentials"}, {"ufrag", ufrag}, {"pwd", pwd}});
    g_free(ufrag);
    g_free(pwd);
  }

  static void on_candidate(NiceAgent* agent, NiceCandidate* candidate, gpointer) {
    gchar* line = nice_agent_generate_local_candidate_sdp(agent, candidate);
    report({{"event", "candidate"}, {"candidate", line}});
    g_free(line);
  }
  static void on_gathered(NiceAgent*, guint, gpointer) { report({{"event", "gathered"}}); }
  static void on_state(NiceAgent*, guint, guint, guint state, gpointer) {
    report({{"event", "state"},
            {"state", nice_component_state_to_string(static_cast<NiceComponentState>(state))}});
  }
  static void on_pair(NiceAgent*, guint, guint, NiceCandidate* local, NiceCandidate* remote,
                      gpointer) {
    report({{"event", "pair"}, {"local", name_of(local->type)}, {"remote", name_of(remote->type)}});
  }
  static void on_packet(NiceAgent*, guint, guint, guint size, gchar* bytes, gpointer) {
    report({{"event", "received"}, {"text", std::string(bytes, size)}});
  }

  static gboolean on_input(gint, GIOCondition, gpointer self) {
    auto& peer = *static_cast<Peer*>(self);
    char buffer[4096];
    const ssize_t count = read(STDIN_FILENO, buffer, sizeof buffer);
    if (count <= 0) {
      g_main_loop_quit(peer.loop_);
      return G_SOURCE_REMOVE;
    }
    peer.input_.append(buffer, static_cast<std::size_t>(count));
    for (std::size_t end; (end = peer.input_.find('\n')) != std::string::npos;) {
      peer.obey(json::parse(peer.input_.substr(0, end)));
      peer.input_.erase(0, end + 1);
    }
    return G_SOURCE_CONTINUE;
  }

  void obey(const json& line) {
    const std::string what = line.at("do");
    if (what == "credentials") {
      nice_agent_set_remote_credentials(agent_, stream_,
                                        line.at("ufrag").get<std::string>().c_str(),
                                        line.at("pwd").get<std::string>().c_str());
    } else if (what == "candidate") {
      const std::string text = "a=" + line.at("candidate").get<std::string>();
      NiceCandidate* candidate =
          nice_agent_parse_remote_candidate_sdp(agent_, stream_, text.c_str());
      if (candidate == nullptr) return;
      GSList* one = g_slist_append(nullptr, candidate);
      nice_agent_set_remote_candidates(agent_, stream_, 1, one);
      g_slist_free_full(one, reinterpret_cast<GDestroyNotify>(nice_candidate_free));
    } else if (what == "gathered") {
      nice_agent_peer_candidate_gathering_done(agent_, stream_);
    } else if (what == "send") {
      const std::string text = line.at("text");
      nice_agent_send(agent_, stream_, 1, static_cast<guint>(text.size()), text.data());
    } else if (what == "restart") {
      nice_agent_restart(agent_);
      report_credentials();
      nice_agent_gather_candidates(agent_, stream_);
    } else if (what == "close") {
      g_main_loop_quit(loop_);
    } else {
      throw std::invalid_argument("nobody knows how to do " + what);
    }
  }

  GMainLoop* loop_;
  NiceAgent* agent_ = nullptr;
  guint stream_ = 0;
  std::string input_;
};

}  // namespace

int main(int argc, char** argv) {
  try {
    Peer(std::vector<std::string>(argv + 1, argv + argc)).run();
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "nice_peer: %s\n", problem.what());
    return EXIT_FAILURE;
  }
}
