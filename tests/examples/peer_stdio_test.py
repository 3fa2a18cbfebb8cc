#!/usr/bin/env python3
"""Drives two peer_stdio against each other over the loopback interface, and one alone with bad lines.

  peer_stdio_test.py --peer PROGRAM TEST   runs one test
  peer_stdio_test.py --list                prints the names of the tests
"""

import base64
import hashlib
import json
import pathlib
import re
import signal
import subprocess
import sys

from line_peers import LinePeer, Pair
from stage import Tests, check

README = pathlib.Path(__file__).resolve().parents[2] / "examples" / "peer_stdio" / "README.md"

tests = Tests(__doc__)


def start(stage, name):
    peer = LinePeer(name, stage.args.peer, "--loopback")
    stage.programs.append(peer)
    return peer


def connect(stage, trickle=True, **options):
    """Alice, who opened channel 1, and Bob, whose channel 1 it is too."""
    alice, bob = start(stage, "alice"), start(stage, "bob")
    alice("create_data_channel", label="chat", **options)
    pair = Pair(alice, bob, trickle)
    pair.negotiate(alice, bob)
    told = bob.wait("data_channel")
    for peer in (alice, bob):
        peer.wait("open", channel=1)
        peer.wait("connection_state", state="connected")
    return alice, bob, pair, told


@tests.add
def talks_with_and_without_trickle(stage):
    for trickle in (True, False):
        alice, bob, pair, _ = connect(stage, trickle)
        for text in ("grüße\n", ""):
            alice("send", channel=1, text=text)
            check(bob.wait("message")["text"] == text, "another text came")
        bob("send", channel=1, base64=base64.b64encode(b"\0\xff").decode())
        check(alice.wait("message") == {"event": "message", "channel": 1, "size": 2, "base64": "AP8="}, "other bytes")
        pair.end()
        alice("quit")
        alice.expect_exit(0)
        bob.wait("close", channel=1)
        bob.wait("dtls_state", state="closed")
        bob.end_input()
        bob.expect_exit(0)


@tests.add
def opens_channels_of_every_kind(stage):
    options = {"protocol": "p", "ordered": False, "maxRetransmits": 0, "priority": 1024}
    alice, bob, _, told = connect(stage, **options)
    check(told["protocol"] == "p" and told["ordered"] is False and told["maxRetransmits"] == 0 and
          told["maxPacketLifeTime"] is None and told["negotiated"] is False, f"Bob sees {told}")
    for peer in (alice, bob):
        number = peer("create_data_channel", label="known", negotiated=True, id=7)["channel"]
        check(peer.wait("open", channel=number)["id"] == 7, "the id is another")
    alice("send", channel=2, text="over a negotiated channel")
    bob.wait("message", channel=2, text="over a negotiated channel")
    state = bob("channel_state", channel=2)
    check(state["readyState"] == "open" and state["negotiated"] and state["bufferedAmount"] == 0, f"its state: {state}")
    bob("close_channel", channel=2)
    for peer in (alice, bob):
        peer.wait("close", channel=2)
    alice.wait("closing", channel=2)


@tests.add
def negotiates_media_and_takes_offers_back(stage):
    alice, bob, pair, _ = connect(stage)
    first = alice("add_transceiver", kind="audio", direction="sendonly")
    check((first["transceiver"], first["mid"], first["direction"]) == (1, None, "sendonly"), f"it is {first}")
    alice("set_direction", transceiver=1, direction="sendrecv")
    pair.negotiate(alice, bob)
    track = bob.wait("track", kind="audio")
    [heard] = bob("transceivers")["transceivers"]
    check(heard["currentDirection"] == "recvonly" and heard["mid"] == track["mid"], f"Bob has {heard}")
    alice("stop_transceiver", transceiver=1)
    offer = alice("create_offer", iceRestart=True)["sdp"]
    check("m=audio 0 " in offer, f"the section goes on: {offer}")
    alice("set_local_description")
    alice("set_local_description", type="rollback")
    check(alice("report")["signalingState"] == "stable", "the offer was not taken back")
    refused = alice.answer("set_local_description", type="rollback")
    check(refused["name"] == "InvalidStateError", f"a second rollback: {refused}")
    for members in ({"kind": "smell"}, {"kind": "audio", "direction": "up"}):
        check(alice.answer("add_transceiver", **members)["event"] == "error", f"{members} were taken")
    check(alice.answer("stop_transceiver", transceiver=9)["event"] == "error", "there is a ninth")
    stats = alice("get_stats")["stats"].values()
    check({"transport", "candidate-pair", "data-channel"} <= {one["type"] for one in stats}, f"the stats are {stats}")


@tests.add
def exchanges_its_servers_in_the_middle_of_a_call(stage):
    alice, bob, pair, _ = connect(stage)
    known = alice("get_configuration")
    check(known["iceServers"] == [] and known["iceTransportPolicy"] == "all" and known["rtcpMuxPolicy"] == "require",
          f"it has {known}")
    silent = {"urls": ["stun:127.0.0.1:9"]}  # The discard port, where nobody listens.
    for members, name in (({"bundlePolicy": "max-bundle"}, "InvalidModificationError"),
                          ({"iceServers": [{"urls": "turn:a.example"}]}, "InvalidAccessError"),
                          ({"iceTransportPolicy": "none"}, "InvalidAccessError")):
        told = alice.answer("set_configuration", **{"iceServers": [silent], **members})
        check(told["event"] == "error" and told["name"] == name, f"{members}: {told}")
    alice("set_configuration", iceServers=[silent])
    check(alice("get_configuration")["iceServers"] == [silent], "the servers are others")
    pair.negotiate(alice, bob)
    check(alice.wait("candidate_error")["url"].startswith("stun:127.0.0.1:9"), "another server failed")
    alice("send", channel=1, text="over the new path")
    bob.wait("message", channel=1, text="over the new path")
    sctp = bob("report")["sctp"]
    check(sctp["state"] == "connected" and sctp["maxMessageSize"] == 262144 and sctp["maxChannels"] > 0, f"it is {sctp}")


@tests.add
def sends_many_messages_with_back_pressure(stage):
    alice, bob, _, _ = connect(stage)
    count, size = 600, 60_000  # More than the queue of a connection holds.
    period = bytes(range(251)) * (size // 251 + 2)
    digest = hashlib.sha256()
    for number in range(count):
        digest.update(period[number % 251:][:size])
    bob("collect", channel=1, count=count)
    alice("send_many", channel=1, count=count, size=size)
    refused = alice.answer("send_many", channel=1, count=1, size=1)
    check(refused["code"] == "invalid state", f"a second send_many: {refused}")
    for told in (alice.wait("sent"), bob.wait("collected")):
        check((told["count"], told["bytes"], told["sha256"]) == (count, count * size, digest.hexdigest()),
              f"it was told {told}")
    alice("send_many", channel=1, count=1, size=20_000, asText=True)
    told = bob.wait("message")
    text = "".join(chr(ord("a") + i % 26) for i in range(20_000))
    check(told["kind"] == "text" and told["sha256"] == hashlib.sha256(text.encode()).hexdigest(), f"it was told {told}")
    alice("set_buffered_amount_low_threshold", channel=1, bytes=10)
    alice("send", channel=1, text="more than ten bytes")
    alice.wait("buffered_amount_low", channel=1)


@tests.add
def names_what_is_wrong_with_a_line_and_goes_on(stage):
    peer = start(stage, "peer")
    for line, why in (("nonsense", "not JSON"), ("[1]", "not a JSON object"), ('{"request": 1}', 'no "command"'),
                      ('{"command": 5}', 'no "command"'), ('{"command": "dance", "request": 1}', "no such command"),
                      ('{"command"' + " " * 500, "not JSON")):
        peer.type(line)
        told = peer.wait("error", code="malformed")
        check(why in told["text"] and told["line"] == line[:len(told["line"])] and told["line"], f"for {line!r}: {told}")
    peer.process.stdin.write(b"\xff\n\n")
    peer.process.stdin.flush()
    check(peer.wait("error")["line"] == "\ufffd", "bytes that are no UTF-8 are quoted in another way")
    for command, members, code, why in (
            ("create_offer", {"ice": True}, "invalid argument", '"ice"'),
            ("create_data_channel", {}, "invalid argument", '"label"'),
            ("create_data_channel", {"label": "x", "ordered": 1}, "invalid argument", '"ordered"'),
            ("create_data_channel", {"label": "x", "id": 70_000}, "invalid argument", '"id"'),
            ("create_data_channel", {"label": "x", "maxRetransmits": 1, "maxPacketLifeTime": 1}, "invalid argument", ""),
            ("send", {"channel": 9, "text": "x"}, "invalid argument", '"channel"'),
            ("set_remote_description", {"type": "offer", "sdp": "v=1\r\n"}, "malformed", 'line 1 "v=1"'),
            ("set_remote_description", {"type": "order", "sdp": ""}, "malformed", "order"),
            ("set_remote_description", {"type": "answer"}, "invalid argument", '"sdp"'),
            ("add_ice_candidate", {"candidate": "candidate:1", "sdpMid": "0"}, "invalid state", ""),
            ("create", {}, "invalid state", "close"),
    ):
        told = peer.answer(command, **members)
        check(told["event"] == "error" and told["code"] == code and why in told["text"], f"{command} {members}: {told}")
    number = peer("create_data_channel", label="x")["channel"]
    for members, why in (({"text": "x", "base64": "eA=="}, '"base64"'), ({"base64": "x"}, "base64"), ({}, '"text"')):
        told = peer.answer("send", channel=number, **members)
        check(told["event"] == "error" and why in told["text"], f"send {members}: {told}")
    told = peer.answer("send", channel=number, text="too early")
    check(told["event"] == "error" and told["code"] == "invalid state", f"before it is open: {told}")
    peer("close")
    for servers, why in (([{}], "urls"), ([{"urls": "stun:"}], "stun:"), ([{"urls": "turn:a.example"}], "turn:a.example")):
        told = peer.answer("create", iceServers=servers)
        check(told["event"] == "error" and why in told["text"], f"create with {servers}: {told}")
    peer("create", iceServers=[{"urls": ["stun:127.0.0.1:9"]}], iceTransportPolicy="relay", maxMessageSize=1000)
    peer("create_data_channel", label="x")
    check("a=max-message-size:1000\r\n" in peer("create_offer")["sdp"], "the size is another")
    peer.process.send_signal(signal.SIGTERM)
    peer.expect_exit(0)


@tests.add
def reads_commands_from_a_file(stage):
    commands = stage.folder / "commands"
    commands.write_text('{"command": "create_data_channel", "label": "x"}\n\n{"command": "create_offer"}')
    with commands.open("rb") as file:
        ran = subprocess.run([stage.args.peer], stdin=file, stdout=subprocess.PIPE, timeout=60, check=True)
    answers = [told for told in map(json.loads, ran.stdout.splitlines()) if told["event"] == "done"]
    check(answers[1]["type"] == "offer" and answers[1]["sdp"].startswith("v=0\r\n"), f"it answers {answers}")


@tests.add
def is_in_python_what_its_readme_shows(stage):
    code = re.search(r"```python\n(.*?)```", README.read_text(), re.DOTALL)[1]
    names = {"json": json, "subprocess": subprocess}
    exec(code.replace('["peer_stdio"]', repr([str(stage.args.peer)])), names)
    names["peer"].stdin.close()
    names["peer"].wait(60)
    check(names["offer"].startswith("v=0\r\n"), f"the offer is {names['offer']!r}")


if __name__ == "__main__":
    sys.exit(tests.run("--peer"))
