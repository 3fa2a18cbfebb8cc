// ICE alone.

#include <string.h>

#include "duo.h"
#include "expect.h"
#include "scenarios.h"

typedef struct end {
  struct end* other;
  floe_ice_transport* transport;
  int candidates;
  int selected_pairs;
  int failures;
  int errors;
  int packets;
  size_t last_length;
  uint8_t last_packet[16];
  floe_ice_state state;
  floe_ice_gathering_state gathering_state;
  bool free_at_packet;
} end;

typedef struct line {
  floe_network* network;
  end a;
  end b;
} line;

static void on_candidate(floe_ice_transport* transport, const char* candidate, void* user) {
  (void)transport;
  end* at = user;
  ++at->candidates;
  floe_ice_transport_add_remote_candidate(at->other->transport, candidate);
}

static void on_gathering(floe_ice_transport* transport, floe_ice_gathering_state state,
                         void* user) {
  (void)transport;
  end* at = user;
  at->gathering_state = state;
  if (state == FLOE_ICE_GATHERING_STATE_COMPLETE) {
    floe_ice_transport_set_remote_end_of_candidates(at->other->transport);
  }
}

static void on_candidate_error(floe_ice_transport* transport, const floe_ice_candidate_error* error,
                               void* user) {
  (void)transport;
  if (strstr(error->url, "stuns:") != NULL) ++((end*)user)->errors;
}

static void on_state(floe_ice_transport* transport, floe_ice_state state, void* user) {
  (void)transport;
  ((end*)user)->state = state;
}

static void on_failure(floe_ice_transport* transport, const floe_ice_report* report, void* user) {
  (void)transport;
  if (floe_ice_report_text(report, FLOE_ICE_REPORT_FORM_HEADLINE) != NULL) ++((end*)user)->failures;
}

static void on_pair(floe_ice_transport* transport, const floe_ice_candidate_pair* pair,
                    void* user) {
  (void)transport;
  if (strstr(pair->local, "127.0.0.1") != NULL && strstr(pair->remote, "127.0.0.1") != NULL) {
    ++((end*)user)->selected_pairs;
  }
}

static void on_data(floe_ice_transport* transport, const uint8_t* data, size_t length, void* user) {
  end* at = user;
  ++at->packets;
  at->last_length = length;
  memcpy(at->last_packet, data, length < sizeof at->last_packet ? length : sizeof at->last_packet);
  if (at->free_at_packet) {
    floe_ice_transport_free(transport);
    at->transport = NULL;
  }
}

static bool create_end(floe_network* network, end* at, end* other,
                       const floe_ice_transport_configuration* configuration) {
  at->other = other;
  at->transport = floe_ice_transport_create(network, configuration);
  const floe_ice_transport_handlers handlers = {
      .size = sizeof handlers,
      .user = at,
      .candidate = on_candidate,
      .gathering_state_change = on_gathering,
      .candidate_error = on_candidate_error,
      .state_change = on_state,
      .failure = on_failure,
      .selected_candidate_pair_change = on_pair,
      .data = on_data,
  };
  return floe_ice_transport_set_handlers(at->transport, &handlers) == FLOE_OK;
}

static bool create(line* l, floe_ice_configuration* ice) {
  memset(l, 0, sizeof *l);
  l->network = floe_network_create(NULL);
  floe_ice_transport_configuration configuration = {
      .size = sizeof configuration,
      .ice = ice,
      .ufrag = "a-ufrag/",
      .pwd = "a+password+of+24+letters",
  };
  // "-" is no ice-char.
  if (floe_ice_transport_create(l->network, &configuration) != NULL ||
      floe_last_error()->code != FLOE_ERROR_INVALID_ARGUMENT) {
    return false;
  }
  configuration.ufrag = "a+ufrag/";
  if (!create_end(l->network, &l->a, &l->b, &configuration)) return false;
  configuration.role = FLOE_ICE_ROLE_CONTROLLED;
  configuration.ufrag = configuration.pwd = NULL;
  return create_end(l->network, &l->b, &l->a, &configuration);
}

/// Each learns the other's credentials.
static bool introduce(end* to, const end* other) {
  char* ufrag = floe_ice_transport_local_ufrag(other->transport);
  char* pwd = floe_ice_transport_local_pwd(other->transport);
  const bool set = floe_ice_transport_set_remote_credentials(to->transport, ufrag, pwd) == FLOE_OK;
  floe_string_free(ufrag);
  floe_string_free(pwd);
  return set;
}

static bool connect_ends(line* l) {
  return floe_ice_transport_gather(l->a.transport) == FLOE_OK &&
         floe_ice_transport_gather(l->b.transport) == FLOE_OK && introduce(&l->a, &l->b) &&
         introduce(&l->b, &l->a);
}

static bool is_up(floe_ice_state state) {
  return state == FLOE_ICE_STATE_CONNECTED || state == FLOE_ICE_STATE_COMPLETED;
}

static bool both_up(const void* what) {
  const line* l = what;
  return is_up(l->a.state) && is_up(l->b.state);
}

static bool both_heard(const void* what) {
  const line* l = what;
  return l->a.packets > 0 && l->b.packets > 0;
}

static void free_line(line* l) {
  floe_ice_transport_free(l->a.transport);
  floe_ice_transport_free(l->b.transport);
  floe_network_free(l->network);
}

static floe_ice_configuration loopback(void) {
  return (floe_ice_configuration){.size = sizeof(floe_ice_configuration),
                                  .loopback = true,
                                  .ignore_interface_changes = true,
                                  .use_interface = is_loopback};
}

const char* packets_both_ways(void) {
  line l;
  floe_ice_configuration ice = loopback();
  EXPECT_THAT(create(&l, &ice));
  char* ufrag = floe_ice_transport_local_ufrag(l.a.transport);
  EXPECT_THAT(ufrag != NULL && strcmp(ufrag, "a+ufrag/") == 0);
  floe_string_free(ufrag);
  EXPECT_THAT(floe_ice_transport_role(l.a.transport) == FLOE_ICE_ROLE_CONTROLLING);
  EXPECT_THAT(floe_ice_transport_role(l.b.transport) == FLOE_ICE_ROLE_CONTROLLED);
  EXPECT_ERROR(FLOE_ERROR_INVALID_STATE, floe_ice_transport_send(l.a.transport, "early", 5));
  EXPECT_THAT(connect_ends(&l) && run_until(l.network, both_up, &l));
  EXPECT_THAT(floe_ice_transport_state(l.a.transport) == l.a.state);
  EXPECT_THAT(l.a.candidates == 1 && l.a.selected_pairs > 0);

  EXPECT_OK(floe_ice_transport_send(l.a.transport, "ping", 4));
  EXPECT_OK(floe_ice_transport_send(l.b.transport, NULL, 0));
  EXPECT_ERROR(FLOE_ERROR_MESSAGE_TOO_LONG, floe_ice_transport_send(l.a.transport, &l, 65508));
  EXPECT_THAT(run_until(l.network, both_heard, &l));
  EXPECT_THAT(l.b.last_length == 4 && memcmp(l.b.last_packet, "ping", 4) == 0);
  EXPECT_THAT(l.a.last_length == 0);

  EXPECT_OK(floe_ice_transport_close(l.a.transport));
  EXPECT_OK(floe_ice_transport_close(l.a.transport));
  EXPECT_THAT(floe_ice_transport_state(l.a.transport) == FLOE_ICE_STATE_CLOSED);
  floe_ice_report* report = floe_ice_transport_report(l.a.transport);
  EXPECT_THAT(strstr(floe_ice_report_text(report, FLOE_ICE_REPORT_FORM_JSON), "a+ufrag"));
  free_line(&l);
  EXPECT_THAT(floe_ice_report_text(report, FLOE_ICE_REPORT_FORM_TEXT) != NULL);
  floe_ice_report_free(report);
  return NULL;
}

typedef struct gathering {
  int udp;
  int tcp;
  bool complete;
} gathering;

static void count_candidate(floe_ice_transport* transport, const char* candidate, void* user) {
  (void)transport;
  gathering* seen = user;
  if (strstr(candidate, " udp ") != NULL) ++seen->udp;
  if (strstr(candidate, " tcptype ") != NULL) ++seen->tcp;
}

static void see_complete(floe_ice_transport* transport, floe_ice_gathering_state state,
                         void* user) {
  (void)transport;
  ((gathering*)user)->complete = state == FLOE_ICE_GATHERING_STATE_COMPLETE;
}

static bool is_complete(const void* what) {
  return ((const gathering*)what)->complete;
}

/// What gathering finds.
static gathering gathered(const floe_ice_configuration* ice) {
  gathering seen = {0};
  floe_network* network = floe_network_create(NULL);
  const floe_ice_transport_configuration configuration = {.size = sizeof configuration, .ice = ice};
  floe_ice_transport* transport = floe_ice_transport_create(network, &configuration);
  const floe_ice_transport_handlers handlers = {.size = sizeof handlers,
                                                .user = &seen,
                                                .candidate = count_candidate,
                                                .gathering_state_change = see_complete};
  floe_ice_transport_set_handlers(transport, &handlers);
  floe_ice_transport_gather(transport);
  run_until(network, is_complete, &seen);
  floe_ice_transport_free(transport);
  floe_network_free(network);
  return seen;
}

const char* candidates_as_configured(void) {
  floe_ice_configuration ice = loopback();
  gathering seen = gathered(&ice);
  EXPECT_THAT(seen.complete && seen.udp == 1 && seen.tcp == 0);
  ice.tcp = FLOE_ICE_TCP_POLICY_ACTIVE;
  const int active = gathered(&ice).tcp;
  ice.tcp = FLOE_ICE_TCP_POLICY_ALL;
  EXPECT_THAT(active == 1 && gathered(&ice).tcp > active);

  ice = loopback();
  ice.policy = FLOE_ICE_POLICY_NO_HOST;
  seen = gathered(&ice);
  EXPECT_THAT(seen.complete && seen.udp == 0);
  ice.policy = FLOE_ICE_POLICY_RELAY;
  EXPECT_THAT(gathered(&ice).udp == 0);
  ice = loopback();
  ice.disable_ipv4 = true;
  EXPECT_THAT(gathered(&ice).udp == 0);
  ice = loopback();
  ice.loopback = false;
  EXPECT_THAT(gathered(&ice).udp == 0);
  return NULL;
}

static bool both_gathered_again(const void* what) {
  const line* l = what;
  return l->a.candidates >= 2 && l->b.candidates >= 2 && l->a.selected_pairs >= 2 && both_up(l);
}

const char* restarting_a_transport(void) {
  line l;
  floe_ice_configuration ice = loopback();
  EXPECT_THAT(create(&l, &ice) && connect_ends(&l) && run_until(l.network, both_up, &l));
  EXPECT_OK(floe_ice_transport_restart(l.a.transport, "new+ufrag", "new+password+of+letters24"));
  EXPECT_OK(floe_ice_transport_restart(l.b.transport, NULL, NULL));
  EXPECT_THAT(introduce(&l.a, &l.b) && introduce(&l.b, &l.a));
  EXPECT_THAT(run_until(l.network, both_gathered_again, &l));
  EXPECT_OK(floe_ice_transport_send(l.a.transport, "again", 5));
  EXPECT_OK(floe_ice_transport_send(l.b.transport, "again", 5));
  EXPECT_THAT(run_until(l.network, both_heard, &l));
  EXPECT_ERROR(FLOE_ERROR_INVALID_ARGUMENT,
               floe_ice_transport_restart(l.a.transport, "abc", "too+short"));
  free_line(&l);
  return NULL;
}

static bool a_failed(const void* what) {
  const line* l = what;
  return l->a.failures == 1 && l->a.errors > 0;
}

const char* a_transport_without_a_path(void) {
  line l;
  floe_ice_configuration ice = loopback();
  const floe_ice_server server = {.url = "stuns:127.0.0.1"};
  ice.servers = &server;
  ice.server_count = 1;
  ice.patience_ms = 50;
  EXPECT_THAT(create(&l, &ice));
  EXPECT_OK(floe_ice_transport_gather(l.a.transport));
  EXPECT_THAT(introduce(&l.a, &l.b));
  EXPECT_OK(floe_ice_transport_set_remote_end_of_candidates(l.a.transport));
  EXPECT_THAT(run_until(l.network, a_failed, &l));
  EXPECT_THAT(l.a.state == FLOE_ICE_STATE_FAILED);
  free_line(&l);
  return NULL;
}

const char* refused_transports(void) {
  floe_network* network = floe_network_create(NULL);
  floe_ice_transport_configuration configuration = {.size = sizeof configuration,
                                                    .role = (floe_ice_role)9};
  EXPECT_ERROR(FLOE_ERROR_INVALID_ARGUMENT, floe_ice_transport_create(network, &configuration));
  configuration.role = FLOE_ICE_ROLE_CONTROLLING;
  configuration.ufrag = "alone";
  EXPECT_ERROR(FLOE_ERROR_INVALID_ARGUMENT, floe_ice_transport_create(network, &configuration));
  configuration.ufrag = NULL;
  configuration.lite = true;
  configuration.renomination = true;
  floe_ice_transport* transport = floe_ice_transport_create(network, &configuration);
  EXPECT_THAT(transport != NULL);
  EXPECT_ERROR(FLOE_ERROR_MALFORMED,
               floe_ice_transport_add_remote_candidate(transport, "candidate:nonsense"));
  EXPECT_ERROR(FLOE_ERROR_INVALID_ARGUMENT,
               floe_ice_transport_set_remote_credentials(transport, "x", "y"));
  floe_ice_transport_free(transport);
  floe_network_free(network);
  return NULL;
}

static bool b_is_gone(const void* what) {
  return ((const line*)what)->b.transport == NULL;
}

const char* closing_a_transport_within_a_handler(void) {
  line l;
  floe_ice_configuration ice = loopback();
  EXPECT_THAT(create(&l, &ice) && connect_ends(&l) && run_until(l.network, both_up, &l));
  l.b.free_at_packet = true;
  for (int i = 0; i < 5; ++i) EXPECT_OK(floe_ice_transport_send(l.a.transport, "bye", 3));
  EXPECT_THAT(run_until(l.network, b_is_gone, &l));
  EXPECT_THAT(l.b.packets == 1);
  free_line(&l);
  return NULL;
}
