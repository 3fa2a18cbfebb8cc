"""Programs that speak the lines of examples/peer_stdio: floe's own and, in the same words, other people's peers."""

import contextlib
import json
import threading
import time

from programs import PATIENCE, Failed, Program


class LinePeer(Program):
    """One such program. Its events wait, in their order, until somebody asks for them."""

    def __init__(self, name, *command):
        self.events = []
        self.last_request = 0
        self.writing = threading.Lock()
        super().__init__(name, *command)

    def take_line(self, line):
        with contextlib.suppress(ValueError):
            event = json.loads(line)
            if isinstance(event, dict) and "event" in event:
                self.events.append(event)

    def read(self):
        for line in self.process.stdout:
            with self.news:
                text = line.decode(errors="replace").rstrip("\n")
                self.lines.append(text if len(text) < 300 else text[:300] + "...")
                self.take_line(text)
                self.news.notify_all()
        with self.news:
            self.ended = True
            self.news.notify_all()

    def take(self, wanted, what, patience=PATIENCE):
        """The first event left for which `wanted` is true; it is taken out."""
        def found():
            return next((event for event in self.events if wanted(event)), None)
        with self.news:
            self.news.wait_for(lambda: found() is not None or self.ended, patience)
            event = found()
            if event is None:
                raise Failed(f"{self.name} {'ended without' if self.ended else 'does not tell'} {what}")
            self.events.remove(event)
        return event

    def wait(self, event, patience=PATIENCE, **members):
        def wanted(told):
            return told["event"] == event and all(told.get(name) == value for name, value in members.items())
        return self.take(wanted, f"{event} {members}", patience)

    def has(self, event, **members):
        with self.news:
            return any(told["event"] == event and all(told.get(name) == value for name, value in members.items())
                       for told in self.events)

    def answer(self, command, patience=PATIENCE, **members):
        """Gives the command; what it is answered, "done" or "error"."""
        with self.writing:
            self.last_request += 1
            number = self.last_request
            self.type(json.dumps({"command": command, "request": number, **members}))
        return self.take(lambda told: told["event"] in ("done", "error") and told.get("request") == number,
                         f"the answer to {command}", patience)

    def __call__(self, command, patience=PATIENCE, **members):
        """The same for a command that must work."""
        told = self.answer(command, patience, **members)
        if told["event"] == "error":
            raise Failed(f"{self.name} refuses {command}: {told}")
        return told


class Candidates:
    """Takes the candidates of one peer to the other, while the other may have them."""

    def __init__(self, sender, receiver):
        self.sender, self.receiver = sender, receiver
        self.may_pass = threading.Event()
        self.ends = False
        self.passed = []
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.ends:
            with contextlib.suppress(Failed, OSError, ValueError):
                told = self.sender.wait("candidate", 0.2)
                self.may_pass.wait()
                self.passed.append(told["candidate"])
                self.receiver.answer("add_ice_candidate", **{
                    name: told.get(name) for name in ("candidate", "sdpMid", "sdpMLineIndex", "usernameFragment")})


class Pair:
    """Two peers and what they have to tell each other."""

    def __init__(self, offerer, answerer, trickle):
        self.trickle = trickle
        self.ways = {peer: Candidates(peer, other) for peer, other in ((offerer, answerer), (answerer, offerer))
                     } if trickle else {}

    def describe(self, peer):
        """Sets the peer's local description; the description to tell the other."""
        description = peer("set_local_description")
        if not self.trickle:
            deadline = time.monotonic() + PATIENCE
            while "a=candidate" not in description["sdp"] or not gathered(peer):
                if time.monotonic() > deadline:
                    raise Failed(f"{peer.name} does not gather")
                time.sleep(0.05)
                description = peer("descriptions")["local"]
        return {"type": description["type"], "sdp": description["sdp"]}

    def negotiate(self, offerer, answerer):
        """One offer and one answer; both descriptions."""
        for way in self.ways.values():
            way.may_pass.clear()
        offer = self.describe(offerer)
        answerer("set_remote_description", **offer)
        if self.ways:
            self.ways[offerer].may_pass.set()
        answer = self.describe(answerer)
        offerer("set_remote_description", **answer)
        if self.ways:
            self.ways[answerer].may_pass.set()
        return offer["sdp"], answer["sdp"]

    def end(self):
        for way in self.ways.values():
            way.ends = True
            way.may_pass.set()
            way.thread.join()


def gathered(peer):
    return peer("report")["iceGatheringState"] == "complete"
