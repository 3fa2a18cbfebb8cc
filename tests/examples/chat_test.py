#!/usr/bin/env python3
"""Runs the real floe-signal and chat over the loopback interface.

  chat_test.py --signal PROGRAM --chat PROGRAM TEST   runs one test
  chat_test.py --list                                 prints the names of the tests
"""

import json
import os
import re
import resource
import signal
import socket
import struct
import sys

from programs import PATIENCE
from stage import Stage, Tests, check

# Documented in chat --help.
DONE, USAGE, SIGNALING, ROOM_FULL, TIMED_OUT = 0, 2, 3, 4, 5
CONNECTION_FAILED, PEER_VANISHED, FILE, TRANSFER_FAILED = 6, 7, 8, 9


class ChatStage(Stage):
    url = None

    def serve(self, *flags):
        server = self.start("server", self.args.signal, "--port", 0, "--stun-port", 0, *flags)
        self.url = server.expect("^signaling ws://").split()[1]
        return server

    def chat(self, name, *flags, room="test", url=None, **options):
        if url is None and self.url is None:
            self.serve()
        return self.start(name, self.args.chat, "--signal", url or self.url, "--room", room, "--name", name,
                          "--loopback", *flags, **options)

    def pair(self, alice_flags=(), bob_flags=(), alice_options=None):
        """Two that talk: Alice came first."""
        alice = self.chat("alice", *alice_flags, **(alice_options or {}))
        alice.expect("waiting for somebody")
        bob = self.chat("bob", *bob_flags)
        alice.expect("talking with bob")
        bob.expect("talking with alice")
        return alice, bob

    def file(self, name, content):
        path = self.folder / name
        path.write_bytes(content)
        return path

    def new_folder(self, name):
        path = self.folder / name
        path.mkdir()
        return path


tests = Tests(__doc__, ChatStage)


class WebSocket:
    """As much of RFC 6455 as it takes to be somebody else in a room."""

    def __init__(self, url):
        host, port = re.match(r"ws://(.+):(\d+)/", url).groups()
        self.socket = socket.create_connection((host, int(port)), PATIENCE)
        self.stream = self.socket.makefile("rb")
        self.socket.sendall(f"GET /signal HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\n"
                            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode())
        while self.stream.readline().strip():
            pass

    def send(self, message):
        payload = json.dumps(message).encode()
        # Final text frame, masked with zeros; all of ours are short.
        self.socket.sendall(struct.pack("!BBH4x", 0x81, 0x80 | 126, len(payload)) + payload)

    def receive(self):
        size = self.stream.read(2)[1]
        if size == 126:
            [size] = struct.unpack("!H", self.stream.read(2))
        return json.loads(self.stream.read(size))

    def close(self):
        self.stream.close()
        self.socket.close()


@tests.add
def talks_in_both_directions(stage):
    alice, bob = stage.pair(["--stay"])
    alice.type("hello bob")
    bob.expect("^alice: hello bob$")
    bob.type("grüße, alice")
    alice.expect("^bob: grüße, alice$")
    bob.expect(r"path host \S+ <-> host \S+")
    bob.end_input()
    bob.expect_exit(DONE)
    alice.expect("bob has left")
    alice.expect_exit(DONE)


@tests.add
def sends_what_a_file_holds_and_leaves_at_its_end(stage):
    lines = [f"line {number}" for number in range(2000)]
    text = stage.file("lines.txt", "\n".join(lines).encode())
    alice = stage.chat("alice", "--stay")
    alice.expect("waiting for somebody")
    with text.open("rb") as stdin:
        bob = stage.chat("bob", stdin=stdin)
    bob.expect_exit(DONE)
    alice.expect_exit(DONE)
    heard = [line for line in alice.lines if line.startswith("bob: ")]
    check(heard == ["bob: " + line for line in lines], f"{len(heard)} lines came, or others")


@tests.add
def shows_nothing_that_steers_the_terminal(stage):
    alice, bob = stage.pair()
    bob.type("\x1b[2Jgone\x9b1m")
    line = alice.expect("^bob: .*gone")
    check(line == "bob: ?[2Jgone?1m", f"{line!r} was shown")


@tests.add
def brings_a_file_across_intact(stage):
    content = os.urandom(6_000_000)
    path = stage.file("picture.bin", content)
    saved = stage.new_folder("saved")
    alice, bob = stage.pair(["--stay", "--save", saved, "--summary", stage.folder / "alice.json"],
                            ["--file", path, "--summary", stage.folder / "bob.json"])
    bob.expect("sent picture.bin: .*confirmed by the receiver")
    bob.end_input()
    bob.expect_exit(DONE)
    alice.expect_exit(DONE)
    check((saved / "picture.bin").read_bytes() == content, "the file came across changed")
    check(os.listdir(saved) == ["picture.bin"], f"{os.listdir(saved)} is there")
    for name, direction in (("alice", "received"), ("bob", "sent")):
        summary = json.loads((stage.folder / f"{name}.json").read_text())
        check(summary["exit_code"] == 0, "the summary has another exit code")
        check(summary["selected_pair"]["local"]["type"] == "host", "the summary has no selected pair")
        check(all(took is not None for took in summary["phases_ms"].values()), "the summary lacks a phase")
        [file] = summary["files"]
        check(file["direction"] == direction and file["bytes"] == len(content) and file["sha256_ok"],
              f"the summary says {file}")


@tests.add
def sends_an_empty_file(stage):
    saved = stage.new_folder("saved")
    alice, bob = stage.pair(["--stay", "--save", saved], ["--file", stage.file("empty", b"")])
    bob.expect("sent empty: 0 bytes")
    bob.end_input()
    bob.expect_exit(DONE)
    alice.expect_exit(DONE)
    check((saved / "empty").read_bytes() == b"", "no empty file came")


@tests.add
def replaces_no_file(stage):
    path = stage.file("notes.txt", b"new")
    saved = stage.new_folder("saved")
    (saved / "notes.txt").write_bytes(b"old")
    alice, bob = stage.pair(["--stay", "--save", saved], ["--file", path])
    bob.expect("confirmed by the receiver")
    bob.end_input()
    alice.expect_exit(DONE)
    check((saved / "notes.txt").read_bytes() == b"old", "the old file was replaced")
    check((saved / "notes (1).txt").read_bytes() == b"new", "the new file is not there")


@tests.add
def refuses_files_without_a_folder_for_them(stage):
    alice, bob = stage.pair(["--stay"], ["--file", stage.file("unwanted", b"x")])
    bob.expect("unwanted was not sent: .*files are not taken here")
    bob.end_input()
    bob.expect_exit(TRANSFER_FAILED)
    alice.expect_exit(DONE)


@tests.add
def tells_both_when_the_disk_refuses(stage):
    """A limit on the size of files stands for a full disk: write() fails in the same way."""
    saved = stage.new_folder("saved")

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))

    alice, bob = stage.pair(["--stay", "--save", saved], ["--file", stage.file("big", bytes(5_000_000))],
                            {"preexec": limit})
    alice.expect("big was not received: cannot write to .*File too large")
    bob.expect("big was not sent: the receiver says: cannot write to .*File too large")
    bob.end_input()
    bob.expect_exit(TRANSFER_FAILED)
    alice.expect_exit(FILE)
    check(os.listdir(saved) == [], f"{os.listdir(saved)} was left behind")


@tests.add
def ends_soon_after_the_peer_is_killed_during_a_transfer(stage):
    path = stage.folder / "huge"
    with path.open("wb") as file:
        file.truncate(400_000_000)
    alice, bob = stage.pair(["--stay", "--save", stage.new_folder("saved")], ["--file", path])
    alice.expect("receiving huge")
    alice.process.send_signal(signal.SIGKILL)
    bob.expect("alice has left the room")
    # ICE calls a path silent after ten seconds.
    bob.expect("alice is gone: ", 20)
    bob.expect_exit(PEER_VANISHED, 10)


@tests.add
def says_goodbye_when_it_is_interrupted(stage):
    alice, bob = stage.pair()
    bob.process.send_signal(signal.SIGINT)
    bob.expect_exit(DONE)
    alice.expect("bob has left")
    alice.expect_exit(DONE)


@tests.add
def ends_at_once_when_it_is_interrupted_alone(stage):
    alice = stage.chat("alice")
    alice.expect("waiting for somebody")
    alice.process.send_signal(signal.SIGINT)
    alice.expect_exit(130)


@tests.add
def names_the_server_that_is_down(stage):
    with socket.socket() as nobody:  # Bound, so that nobody else gets the port; but not listening.
        nobody.bind(("127.0.0.1", 0))
        url = f"ws://127.0.0.1:{nobody.getsockname()[1]}/signal"
        alice = stage.chat("alice", url=url)
        alice.expect(f"signalling with {url} failed: .*refused")
        alice.expect_exit(SIGNALING)


@tests.add
def says_what_is_wrong_with_a_url(stage):
    alice = stage.chat("alice", url="http//nowhere")
    alice.expect("http//nowhere")
    alice.expect_exit(USAGE)


@tests.add
def says_what_is_wrong_with_a_stun_server(stage):
    alice = stage.chat("alice", "--stun", "host:port:more")
    alice.expect("host:port:more")
    alice.expect_exit(USAGE)


@tests.add
def says_which_file_is_not_there(stage):
    alice = stage.chat("alice", "--file", stage.folder / "nothing")
    alice.expect("cannot send .*nothing: ")
    alice.expect_exit(FILE)


@tests.add
def lets_no_third_one_in(stage):
    stage.pair()
    carol = stage.chat("carol")
    carol.expect("room test is full")
    carol.expect_exit(ROOM_FULL)


@tests.add
def passes_on_that_the_server_finds_the_room_full(stage):
    stage.serve("--max-peers", 1)
    stage.chat("alice").expect("waiting for somebody")
    bob = stage.chat("bob")
    bob.expect("room-full")
    bob.expect_exit(ROOM_FULL)


@tests.add
def does_not_wait_for_ever_alone(stage):
    alice = stage.chat("alice", "--timeout", 0.5)
    alice.expect("nobody else came to room test within 0.5 s")
    alice.expect_exit(TIMED_OUT)


@tests.add
def waits_for_another_when_one_leaves_too_early(stage):
    alice = stage.chat("alice")
    alice.expect("waiting for somebody")
    mute = WebSocket(stage.url)
    mute.send({"type": "join", "room": "test", "name": "mute"})
    alice.expect("mute is here, connecting")
    mute.close()
    alice.expect("mute left before the connection was made")
    carol = stage.chat("carol")
    alice.expect("talking with carol")
    carol.expect("talking with alice")


@tests.add
def says_what_is_missing_when_there_is_no_connection_in_time(stage):
    stage.serve()
    mute = WebSocket(stage.url)
    mute.send({"type": "join", "room": "test", "name": "mute"})
    mute.receive()
    alice = stage.chat("alice", "--timeout", 1)
    alice.expect("no connection with mute within 1 s: signalling has not brought the peer's description")
    alice.expect_exit(TIMED_OUT)
    mute.close()


@tests.add
def says_why_it_cannot_use_an_offer(stage):
    alice = stage.chat("alice")
    alice.expect("waiting for somebody")
    stranger = WebSocket(stage.url)
    stranger.send({"type": "join", "room": "test", "name": "stranger"})
    alices_id = stranger.receive()["peers"][0]["id"]
    stranger.send({"type": "signal", "to": alices_id,
                   "data": {"description": {"type": "offer", "sdp": "nonsense"}}})
    alice.expect("the other end's description is no good: ")
    alice.expect_exit(CONNECTION_FAILED)
    stranger.close()


@tests.add
def meets_again_in_the_same_room(stage):
    for line in ("the first time", "the second time"):
        alice, bob = stage.pair(["--stay"])
        bob.type(line)
        alice.expect("^bob: " + line)
        bob.end_input()
        bob.expect_exit(DONE)
        alice.expect_exit(DONE)


@tests.add
def talks_on_without_the_server(stage):
    server = stage.serve()
    alice, bob = stage.pair(["--stay"])
    server.process.terminate()
    alice.expect("talking on without the signalling server")
    bob.expect("talking on without the signalling server")
    bob.type("still there?")
    alice.expect("^bob: still there")
    bob.end_input()
    bob.expect_exit(DONE)
    alice.expect_exit(DONE)


if __name__ == "__main__":
    sys.exit(tests.run("--signal", "--chat"))
