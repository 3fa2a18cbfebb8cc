"""Programs that speak ICE, each in a place of its own, and the signalling between them.

A peer prints events as lines of JSON and takes orders as lines of JSON; ice_peer.cc (floe) and nice_peer.cc (libnice)
speak the same language.
"""

import json
import queue
import subprocess
import threading
import time

PATIENCE = 60  # seconds; everything here takes a few


class Peer:
    def __init__(self, place, *command):
        self.name = f"{place.name} ({command[0].rsplit('/', 1)[-1]})"
        self.events = []
        self.explains = command[0].rsplit("/", 1)[-1] == "ice_peer"
        self._other = None
        self._signals = []
        self._arrived = queue.Queue()
        self._begun = time.monotonic()
        self._process = place.start(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        for line in self._process.stdout:
            if line.startswith("{"):
                self._arrived.put({"at": round(time.monotonic() - self._begun, 3), **json.loads(line)})
            else:
                print(self.name, line, end="")  # what NICE_DEBUG and G_MESSAGES_DEBUG make libnice print
        self._arrived.put({"event": "ended"})

    def tell(self, do, **what):
        self._process.stdin.write(json.dumps({"do": do, **what}) + "\n")
        self._process.stdin.flush()

    def signal_to(self, other):
        """What this peer has to say from now on, and what it has said, goes to `other`."""
        self._other = other
        for event in self.events:
            self._signal(event)

    def _signal(self, event):
        kind = event["event"]
        if self._other and kind in ("credentials", "candidate", "gathered"):
            self._other.tell(kind, **{key: value for key, value in event.items() if key not in ("event", "at")})

    def pump(self):
        while True:
            try:
                event = self._arrived.get_nowait()
            except queue.Empty:
                return
            self.events.append(event)
            self._signal(event)
            assert event["event"] != "ended", f"{self.name} ended: {self.events[-5:]}"

    def last(self, kind):
        return next((event for event in reversed(self.events) if event["event"] == kind), None)

    def state(self):
        event = self.last("state")
        return event["state"] if event else "new"

    def connected(self):
        return self.state() in ("connected", "completed", "ready")

    def heard(self, text):
        return any(event["event"] == "received" and event["text"] == text for event in self.events)

    def story(self):
        """What happened, but not every packet of it."""
        return [event for event in self.events if event["event"] not in ("received", "refused", "report")]

    def end(self):
        self._process.kill()
        self._process.wait()


def wait_for(peers, what, condition):
    deadline = time.monotonic() + PATIENCE
    while True:
        for peer in peers:
            peer.pump()
        if condition():
            return
        if time.monotonic() > deadline:
            for peer in peers:
                if peer.explains:
                    peer.tell("report")
            time.sleep(0.5)
            for peer in peers:
                peer.pump()
            story = "".join(f"\n{peer.name}:" + "".join(f"\n  {event}" for event in peer.story()) for peer in peers)
            for peer in peers:
                if report := peer.last("report"):
                    story += f"\n{peer.name} says:\n{report['text']}"
            raise AssertionError(f"{what}: did not happen in {PATIENCE} s{story}")
        time.sleep(0.02)


def introduce(a, b):
    a.signal_to(b)
    b.signal_to(a)


def talk(a, b, word):
    """Both hear what the other says. Repeated like anything sent over a path that may lose packets."""
    told = [0.0]

    def both_heard():
        if time.monotonic() - told[0] > 0.2:
            told[0] = time.monotonic()
            a.tell("send", text=f"{word} from a")
            b.tell("send", text=f"{word} from b")
        return a.heard(f"{word} from b") and b.heard(f"{word} from a")

    wait_for([a, b], f"hearing each other say {word}", both_heard)


def connect(a, b):
    introduce(a, b)
    wait_for([a, b], "both connected", lambda: a.connected() and b.connected())
    talk(a, b, "hello")


def pair_types(peer):
    pair = peer.last("pair")
    return pair["local"], pair["remote"]
