#!/usr/bin/env python3
"""floe behind the Linux kernel's NATs, with coturn between and libnice at the other end.

  netns_test.py --ice-peer PROGRAM --nice-peer PROGRAM NAME    runs one test
  netns_test.py --list                                         prints the names
"""

import argparse
import sys

import coturn
import lab
import peers

NO_UDP = "meta l4proto udp drop"
TRANSPORTS = {
    "Udp": "turn:{}?transport=udp",
    "Tcp": "turn:{}?transport=tcp",
    "Tls": "turns:{}:5349?transport=tcp",
    "Dtls": "turns:{}:5349?transport=udp",
}

programs = None
TESTS = {}


def test(function):
    TESTS["".join(word.capitalize() for word in function.__name__.split("_"))] = function
    return function


def floe(place, role, *, servers=(), turn=None, policy="all", ca=None, **more):
    """One of ours; `turn` lists transports of the lab's coturn to relay over."""
    entries = [{"urls": [url]} for url in servers]
    if turn:
        urls = [TRANSPORTS[transport].format(lab.Lab.server) for transport in turn]
        entries.append({"urls": urls, "username": coturn.USER, "credential": coturn.PASSWORD})
    config = {"role": role, "servers": entries, "policy": policy, **more}
    if ca:
        config["ca_file"] = ca
    return peers.Peer(place, programs.ice_peer, peers.json.dumps(config))


def libnice(place, role, *, stun=False, turn=None, relay_only=False):
    words = [role]
    if stun:
        words += ["--stun", lab.Lab.server, "3478"]
    if turn:
        words += ["--turn", lab.Lab.server, "3478", coturn.USER, coturn.PASSWORD, turn]
    if relay_only:
        words.append("--relay-only")
    return peers.Peer(place, programs.nice_peer, *words)


def stun():
    return [f"stun:{lab.Lab.server}"]


def expect(what, seen, *allowed):
    assert seen in allowed, f"{what}: {seen}, not one of {allowed}"


# --------------------------------------------------------------------------------------- floe with floe


@test
def two_cone_nats_are_passed_directly():
    world = lab.Lab()
    coturn.Coturn(world.net, world.server)
    a = floe(world.behind("home", lab.CONE), "controlling", servers=stun())
    b = floe(world.behind("office", lab.CONE), "controlled", servers=stun())
    peers.connect(a, b)
    assert "relay" not in peers.pair_types(a) + peers.pair_types(b)


@test
def a_symmetric_nat_meets_a_public_peer_directly():
    world = lab.Lab()
    coturn.Coturn(world.net, world.server)
    a = floe(world.behind("home", lab.SYMMETRIC), "controlling", servers=stun())
    b = floe(world.public("cloud"), "controlled")
    peers.connect(a, b)
    assert "relay" not in peers.pair_types(a) + peers.pair_types(b)


@test
def double_nat_is_passed_directly():
    world = lab.Lab()
    coturn.Coturn(world.net, world.server)
    carrier = world.behind("carrier", lab.CONE)
    a = floe(world.behind("home", lab.CONE, through=carrier, inside="192.168.7"), "controlling", servers=stun())
    b = floe(world.behind("office", lab.CONE), "controlled", servers=stun())
    peers.connect(a, b)
    assert "relay" not in peers.pair_types(a) + peers.pair_types(b)


@test
def two_symmetric_nats_end_in_failed_without_a_relay():
    world = lab.Lab()
    coturn.Coturn(world.net, world.server)
    a = floe(world.behind("home", lab.SYMMETRIC), "controlling", servers=stun())
    b = floe(world.behind("office", lab.SYMMETRIC), "controlled", servers=stun())
    peers.introduce(a, b)
    peers.wait_for([a, b], "both failed", lambda: a.state() == b.state() == "failed")
    assert not any(event.get("state") == "connected" for event in a.events + b.events)


@test
def two_symmetric_nats_meet_at_a_relay():
    world = lab.Lab()
    coturn.Coturn(world.net, world.server)
    a = floe(world.behind("home", lab.SYMMETRIC), "controlling", servers=stun(), turn=["Udp"])
    b = floe(world.behind("office", lab.SYMMETRIC), "controlled", servers=stun(), turn=["Udp"])
    peers.connect(a, b)
    assert "relay" in peers.pair_types(a) + peers.pair_types(b)


@test
def where_udp_is_blocked_the_relay_is_reached_over_tcp():
    world = lab.Lab()
    coturn.Coturn(world.net, world.server)
    a = floe(world.behind("home", lab.CONE, block=NO_UDP), "controlling", turn=["Udp", "Tcp"])
    b = floe(world.behind("office", lab.CONE), "controlled", servers=stun())
    peers.connect(a, b)
    expect("the local end of the pair", peers.pair_types(a)[0], "relay")


@test
def where_only_tls_passes_the_relay_is_reached_over_tls():
    world = lab.Lab()
    server = coturn.Coturn(world.net, world.server)
    place = world.behind("home", lab.CONE, block="meta l4proto udp drop\n tcp dport != 5349 drop")
    a = floe(place, "controlled", turn=["Udp", "Tcp", "Tls"], ca=server.ca)
    b = floe(world.behind("office", lab.SYMMETRIC), "controlling", servers=stun())
    peers.connect(a, b)
    expect("the local end of the pair", peers.pair_types(a)[0], "relay")


@test
def a_tls_relay_with_an_unknown_certificate_is_refused_in_words():
    world = lab.Lab()
    coturn.Coturn(world.net, world.server)
    a = floe(world.public("cloud"), "controlling", turn=["Tls"], policy="relay")
    peers.wait_for([a], "the server's failure", lambda: a.last("server_failed"))
    assert "certificate" in a.last("server_failed")["text"], a.last("server_failed")


def relayed_call(transport):
    world = lab.Lab()
    server = coturn.Coturn(world.net, world.server)
    a = floe(world.behind("home", lab.SYMMETRIC), "controlling", turn=[transport], policy="relay", ca=server.ca)
    b = floe(world.behind("office", lab.SYMMETRIC), "controlled", turn=[transport], policy="relay", ca=server.ca)
    peers.connect(a, b)
    for peer in (a, b):
        expect("the ends of the pair", peers.pair_types(peer), ("relay", "relay"), ("relay", "prflx"), ("prflx", "relay"))
    return server, a, b


@test
def a_call_is_relayed_over_udp():
    relayed_call("Udp")


@test
def a_call_is_relayed_over_tcp():
    relayed_call("Tcp")


@test
def a_call_is_relayed_over_tls():
    relayed_call("Tls")


@test
def a_call_is_relayed_over_dtls():
    relayed_call("Dtls")


@test
def a_relayed_call_survives_the_relays_restart_over_udp():
    server, a, b = relayed_call("Udp")
    server.restart()
    peers.talk(a, b, "still here")


@test
def a_relayed_call_survives_the_relays_restart_over_tcp():
    server, a, b = relayed_call("Tcp")
    server.restart()
    peers.talk(a, b, "still here")


@test
def an_ice_restart_keeps_the_call():
    world = lab.Lab()
    coturn.Coturn(world.net, world.server)
    a = floe(world.behind("home", lab.CONE), "controlling", servers=stun())
    b = floe(world.behind("office", lab.CONE), "controlled", servers=stun())
    peers.connect(a, b)
    a.tell("restart")
    peers.talk(a, b, "restarted")


# ------------------------------------------------------------------------------------- floe with libnice


def with_libnice(floe_role, nice_role, floe_nat, nice_nat, *, turn=None):
    world = lab.Lab()
    coturn.Coturn(world.net, world.server)
    ours = floe(world.behind("home", floe_nat), floe_role, servers=stun(), turn=[turn] if turn else None)
    theirs = libnice(world.behind("office", nice_nat), nice_role, stun=True, turn="udp" if turn else None)
    peers.connect(ours, theirs)
    return ours, theirs


@test
def libnice_is_met_through_cones_as_controlling():
    with_libnice("controlling", "controlled", lab.CONE, lab.CONE)


@test
def libnice_is_met_through_cones_as_controlled():
    with_libnice("controlled", "controlling", lab.CONE, lab.CONE)


@test
def libnice_is_met_although_both_control():
    with_libnice("controlling", "controlling", lab.CONE, lab.CONE)


@test
def libnice_is_met_at_a_relay_as_controlling():
    ours, _ = with_libnice("controlling", "controlled", lab.SYMMETRIC, lab.SYMMETRIC, turn="Udp")
    assert "relay" in peers.pair_types(ours)


@test
def libnice_is_met_at_a_relay_as_controlled():
    ours, _ = with_libnice("controlled", "controlling", lab.SYMMETRIC, lab.SYMMETRIC, turn="Udp")
    assert "relay" in peers.pair_types(ours)


@test
def libnice_and_floe_relay_over_different_transports():
    ours, _ = with_libnice("controlling", "controlled", lab.SYMMETRIC, lab.SYMMETRIC, turn="Tcp")
    assert "relay" in peers.pair_types(ours)


def main():
    global programs
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ice-peer")
    parser.add_argument("--nice-peer")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("name", nargs="?", choices=TESTS)
    programs = parser.parse_args()
    if programs.list:
        print("\n".join(TESTS))
        return
    lab.enter()
    TESTS[programs.name]()
    print(programs.name, "passed")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
