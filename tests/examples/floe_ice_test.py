#!/usr/bin/env python3
"""Runs the real floe-ice against floe-signal's STUN server and floe-turn over the loopback interface.

  floe_ice_test.py --ice PROGRAM --signal PROGRAM --turn PROGRAM TEST   runs one test
  floe_ice_test.py --list                                               prints the names of the tests
"""

import json
import selectors
import socket
import sys
import threading

from stage import Tests, check

# Documented in floe-ice --help.
DONE, USAGE, SERVER_FAILED, SIGNALING = 0, 2, 3, 4
MAX_DATAGRAM = 65535

tests = Tests(__doc__)


class Nat:
    """A NAT before one server: each client gets a port of its own on 127.0.0.1."""

    def __init__(self, server):
        host, port = server.rsplit(":", 1)
        self.server = (host, int(port))
        self.inside = self.open()
        self.outside = {}
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.inside, selectors.EVENT_READ, None)
        self.wake, self.woken = socket.socketpair()
        self.selector.register(self.woken, selectors.EVENT_READ, self.woken)
        self.thread = threading.Thread(target=self.forward)

    @staticmethod
    def open():
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind(("127.0.0.1", 0))
        return made

    def endpoint(self):
        return f"127.0.0.1:{self.inside.getsockname()[1]}"

    def forward(self):
        while True:
            for key, _ in self.selector.select():
                if key.data is self.woken:
                    return
                payload, source = key.fileobj.recvfrom(MAX_DATAGRAM)
                if key.data is not None:
                    self.inside.sendto(payload, key.data)
                    continue
                if source not in self.outside:
                    self.outside[source] = self.open()
                    self.selector.register(self.outside[source], selectors.EVENT_READ, source)
                self.outside[source].sendto(payload, self.server)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.wake.send(b"x")
        self.thread.join()
        self.selector.close()
        for made in (self.inside, self.wake, self.woken, *self.outside.values()):
            made.close()


def floe_ice(stage, *flags, code=DONE):
    """What it prints, after its end."""
    program = stage.start("floe-ice", stage.args.ice, *flags)
    program.expect_exit(code)
    return program.lines


def gather(stage, *flags, code=DONE):
    """The JSON lines of a run, by what they are about."""
    lines = [json.loads(line) for line in floe_ice(stage, "--loopback", "--json", *flags, code=code)]
    check([list(line) for line in lines[-1:]] == [["done"]], "the last line is not the outcome")
    return {kind: [line[kind] for line in lines if kind in line] for kind in ("candidate", "error", "done")}


def closed_port(stage, kind):
    """A port that nobody answers at, taken so that nobody else gets it: a TCP socket does not listen."""
    taken = stage.stack.enter_context(socket.socket(socket.AF_INET, kind))
    taken.bind(("127.0.0.1", 0))
    return f"127.0.0.1:{taken.getsockname()[1]}"


def complaint(stage, *flags, code=USAGE):
    return "\n".join(floe_ice(stage, *flags, code=code))


TURN = ("--username", "ann", "--credential", "secret")


@tests.add
def prints_json_with_each_kind_of_candidate(stage):
    udp, _ = stage.turn()
    nat = stage.stack.enter_context(Nat(udp))
    stun, turn = f"stun:{nat.endpoint()}", f"turn:{nat.endpoint()}?transport=udp"
    found = gather(stage, "--server", stun, "--server", turn, *TURN)
    check(not found["error"], f"there are errors: {found['error']}")
    for candidate in found["candidate"]:
        for name in ("ms", "type", "protocol", "address", "port", "priority", "component", "foundation", "candidate"):
            check(name in candidate, f"{candidate} has no {name}")
    by_type = {candidate["type"]: candidate for candidate in found["candidate"]}
    check({"host", "srflx", "relay"} <= set(by_type), f"the types are {sorted(by_type)}")
    check(any("typ host" in candidate["candidate"] and candidate["address"] == "127.0.0.1"
              for candidate in found["candidate"]), "127.0.0.1 is not among the hosts")
    check(by_type["srflx"]["port"] in [made.getsockname()[1] for made in nat.outside.values()],
          "the reflexive port is none of the NAT's")
    check(by_type["srflx"]["related"].startswith("127.0.0.1:"), "the reflexive candidate has no base")
    check(by_type["relay"]["url"] == turn, f"the relayed candidate is of {by_type['relay'].get('url')}")
    check(by_type["host"]["priority"] > by_type["srflx"]["priority"] > by_type["relay"]["priority"],
          "the priorities are not in order")
    [outcome] = found["done"]
    check(outcome["timedOut"] is False and outcome["fruitless"] == [], f"the outcome is {outcome}")


@tests.add
def prints_a_table_and_a_line_for_each_server(stage):
    udp, _ = stage.turn()
    nat = stage.stack.enter_context(Nat(udp))
    text = "\n".join(floe_ice(stage, "--loopback", "--server", f"stun:{nat.endpoint()}", "--server",
                              f"turn:{nat.endpoint()}", *TURN))
    check(text.split()[:4] == ["ms", "type", "protocol", "address"], f"the header is {text.splitlines()[0]!r}")
    check(f"stun:{nat.endpoint()}: srflx 127.0.0.1:" in text, "no line tells what the STUN server yielded")
    check(f"turn:{nat.endpoint()}?transport=udp: relay 127.0.0.1:" in text, "no line tells of the TURN server")


@tests.add
def keeps_to_relayed_candidates_when_told(stage):
    udp, tcp = stage.turn()
    found = gather(stage, "--relay-only", "--server", f"turn:{udp}", "--server", f"turn:{tcp}?transport=tcp",
                   "--server", f"stun:{udp}", *TURN)
    check({candidate["type"] for candidate in found["candidate"]} == {"relay"}, f"{found['candidate']}")
    check({candidate["url"] for candidate in found["candidate"]} ==
          {f"turn:{udp}?transport=udp", f"turn:{tcp}?transport=tcp"}, "not both servers relay")
    check("turn: or turns:" in complaint(stage, "--relay-only", "--server", f"stun:{udp}"), "STUN alone was taken")


@tests.add
def names_the_server_that_refuses_the_password(stage):
    udp, _ = stage.turn()
    found = gather(stage, "--server", f"turn:{udp}", "-u", "ann", "-p", "wrong", code=SERVER_FAILED)
    [error] = found["error"]
    check(error["url"] == f"turn:{udp}?transport=udp" and error["code"] == 401, f"the error is {error}")
    check("refuses the username or password" in error["text"], f"the error is {error}")
    check(found["done"][0]["fruitless"] == [error["url"]], f"the outcome is {found['done']}")


@tests.add
def names_the_server_that_is_dead(stage):
    udp, tcp = closed_port(stage, socket.SOCK_DGRAM), closed_port(stage, socket.SOCK_STREAM)
    found = gather(stage, "--server", f"turn:{udp}", "--server", f"turn:{tcp}?transport=tcp", *TURN,
                   code=SERVER_FAILED)
    errors = {error["url"]: error for error in found["error"]}
    check(set(errors) == {f"turn:{udp}?transport=udp", f"turn:{tcp}?transport=tcp"}, f"the errors are {errors}")
    check({error["code"] for error in errors.values()} == {701}, f"the codes are {errors}")
    silent, refused = errors[f"turn:{udp}?transport=udp"]["text"], errors[f"turn:{tcp}?transport=tcp"]["text"]
    check(udp in silent and "does not answer" in silent, f"the UDP server's error is {silent}")
    check(tcp in refused and "connection refused" in refused, f"the TCP server's error is {refused}")
    check(any(candidate["type"] == "host" for candidate in found["candidate"]), "there is no host candidate")


@tests.add
def gives_up_in_the_time_it_is_given(stage):
    silent = closed_port(stage, socket.SOCK_DGRAM)
    found = gather(stage, "--server", f"stun:{silent}", "--timeout", 0.3, code=SERVER_FAILED)
    [outcome] = found["done"]
    check(outcome["timedOut"] and outcome["fruitless"] == [f"stun:{silent}"], f"the outcome is {outcome}")


@tests.add
def names_the_host_that_nobody_knows(stage):
    # No label of a name is this long, so that no resolver is asked.
    host = "a" * 64 + ".invalid"
    found = gather(stage, "--server", f"stun:{host}", code=SERVER_FAILED)
    [error] = found["error"]
    check(error["url"] == f"stun:{host}:3478" and error["code"] == 701, f"the error is {error}")
    check(host in error["text"] and "looked up" in error["text"], f"the error is {error}")


@tests.add
def says_what_is_wrong_with_the_command_line(stage):
    for flags, named in (
            (["--server", "http://example.org"], 'unknown scheme "http"'),
            (["--server", "stun:"], "names no valid host"),
            (["--server", "turn:127.0.0.1"], "needs a username and a credential"),
            (["--nat"], "--nat needs a stun: server"),
            (["--timeout", "0"], "--timeout"),
            (["--ca", stage.folder / "nothing.pem"], "nothing.pem"),
            (["--serve", "http://127.0.0.1"], "http://127.0.0.1"),
            (["--no-such-flag"], "--no-such-flag")):
        said = complaint(stage, *flags)
        check(named in said, f"for {flags} it says {said!r}")


@tests.add
def names_the_signalling_server_that_is_down(stage):
    nobody = closed_port(stage, socket.SOCK_STREAM)
    said = complaint(stage, "--serve", f"ws://{nobody}/signal", code=SIGNALING)
    check(nobody in said and "refused" in said, f"it says {said!r}")


@tests.add
def finds_out_that_there_is_no_nat(stage):
    stun, _ = stage.turn("--other-address", "127.0.0.2", "--other-port", 0)
    text = "\n".join(floe_ice(stage, "--nat", "--server", f"stun:{stun}"))
    for line in (f"server: {stun}", "mapping: no NAT", "filtering: endpoint independent", "fragments pass: yes",
                 "there is no NAT and no firewall: every peer can connect"):
        check(line in text.splitlines(), f"no line says {line!r}")
    [line] = floe_ice(stage, "--nat", "--json", "--server", f"stun:{stun}")
    report = json.loads(line)["nat"]
    check(report["mapping"] == "no NAT" and report["filtering"] == "endpoint independent", f"the report is {report}")
    check(report["otherAddress"].startswith("127.0.0.2:"), f"the report is {report}")


@tests.add
def finds_out_what_it_can_from_a_server_with_one_address(stage):
    _, stun = stage.signal()
    [line] = floe_ice(stage, "--nat", "--json", "--server", f"stun:{stun}")
    report = json.loads(line)["nat"]
    check(report["mapping"] == "no NAT" and report["filtering"] == "unknown", f"the report is {report}")
    check(any("no second address" in note for note in report["notes"]), f"the report is {report}")


@tests.add
def says_that_udp_is_blocked_when_the_stun_server_is_silent(stage):
    silent = closed_port(stage, socket.SOCK_DGRAM)
    text = "\n".join(floe_ice(stage, "--nat", "--server", f"stun:{silent}", code=SERVER_FAILED))
    check(f"UDP to {silent} does not work" in text, "no line says that UDP does not work")


if __name__ == "__main__":
    sys.exit(tests.run("--ice", "--signal", "--turn"))
