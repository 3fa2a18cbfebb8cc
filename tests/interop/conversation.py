"""What floe and another peer do together, step by step. Each step checks both sides and prints what it saw."""

import base64
import hashlib
import re
import time

from line_peers import LinePeer, Pair
from programs import PATIENCE
from stage import check

MEGABYTE = 1 << 20
BLOCK = 64 * 1024
# A path without an answer is "disconnected" after 10 s and "failed" after 30 s (RFC 7675), and a busy machine is slow.
SILENCE = 60

# label: RTCDataChannelInit
CHANNELS = {
    "ordered": {},
    "unordered": {"ordered": False},
    "retransmits": {"ordered": False, "maxRetransmits": 3},
    "lifetime": {"maxPacketLifeTime": 700},
    "protocol": {"protocol": "chat.example"},
    "grüße": {},
}
NEGOTIATED = {"negotiated": True, "id": 100}

TEXTS = ("hello", "", "grüße 👋 \u0000\u001f\"\\", "x" * 16_000)
BINARIES = (bytes(range(256)), b"", b"\0", bytes(16_000))


def ufrag(description):
    return re.search(r"a=ice-ufrag:(\S+)", description)[1]


def payload_of_send_many(size):
    return bytes(i % 251 for i in range(size))


class Conversation:
    """floe and one other peer, from the first description to the end."""

    def __init__(self, stage, other, floe_flags=()):
        self.other_kind = other
        self.other = other.start(stage)
        self.floe = LinePeer("floe", stage.args.peer, "--loopback", *floe_flags)
        stage.programs.append(self.floe)
        self.pair = None

    def say(self, text):
        print(f"{time.monotonic() - self.began:7.2f} s  {text}", flush=True)

    def begin(self, floe_offers, trickle, channels=CHANNELS, media=()):
        """Both are connected and have the channels open: self.channels[label] has each side's number."""
        self.began = time.monotonic()
        floe, other = self.floe, self.other
        floe("create", maxMessageSize=MEGABYTE)
        other("create")
        self.offerer, self.answerer = (floe, other) if floe_offers else (other, floe)
        self.channels = {}
        channels = {label: options for label, options in channels.items() if self.other_kind.any_label or label.isascii()}
        self.channels["negotiated"] = {peer: peer("create_data_channel", label="negotiated", **NEGOTIATED)["channel"]
                                       for peer in (floe, other)}
        for kind, direction in media:
            self.offerer("add_transceiver", kind=kind, direction=direction)
        for label, options in channels.items():
            number = self.offerer("create_data_channel", label=label, **options)["channel"]
            self.channels[label] = {self.offerer: number}
        self.pair = Pair(self.offerer, self.answerer, trickle)
        offer, answer = self.pair.negotiate(self.offerer, self.answerer)
        self.descriptions = {self.offerer: offer, self.answerer: answer}
        how = "with trickle" if trickle else "without trickle"
        self.say(f"{self.offerer.name} has offered, {self.answerer.name} has answered, {how}")
        floe.wait("connection_state", state="connected")
        selected = floe.wait("selected_candidate_pair")
        self.say(f"connected: {selected['local']} <-> {selected['remote']}")
        for label, options in channels.items():
            told = self.answerer.wait("data_channel", label=label)
            self.channels[label][self.answerer] = told["channel"]
            asked = {"ordered": True, "protocol": "", "maxRetransmits": None, "maxPacketLifeTime": None, **options}
            # libwebrtc once said 65535 where the W3C says null.
            got = {name: told.get(name) if told.get(name) != 65535 else None for name in asked}
            kind = self.other_kind
            shows = kind.tells_options if self.offerer is other else kind.sees_options
            check(got == asked or not shows, f"{self.answerer.name} sees {got}, not {asked}")
        for numbers in self.channels.values():
            for peer, number in numbers.items():
                peer.wait("open", channel=number)
        self.say(f"{len(self.channels)} channels are open on both sides: {', '.join(self.channels)}")

    def ways(self):
        return ((self.floe, self.other), (self.other, self.floe))

    def exchange_messages(self):
        """Text, binary and empty messages on every channel, both ways."""
        count = 0
        for label, numbers in self.channels.items():
            for sender, receiver in self.ways():
                may_be_empty = sender is self.floe or self.other_kind.sends_empty
                texts = [text for text in TEXTS if text or may_be_empty]
                binaries = [binary for binary in BINARIES if binary or may_be_empty]
                for text in texts:
                    sender("send", channel=numbers[sender], text=text)
                    told = receiver.wait("message", channel=numbers[receiver])
                    check(told.get("text") == text, f"{receiver.name} got {str(told)[:200]} for text {text[:50]!r}")
                for binary in binaries:
                    sender("send", channel=numbers[sender], base64=base64.b64encode(binary).decode())
                    told = receiver.wait("message", channel=numbers[receiver])
                    got = base64.b64decode(told["base64"]) if "base64" in told else None
                    check(got == binary, f"{receiver.name} got {str(told)[:200]} for {binary[:20]}...")
                count += len(texts) + len(binaries)
        self.say(f"{count} messages came as they were sent: text, binary, empty")

    def ping(self, label="ordered"):
        numbers = self.channels[label]
        for sender, receiver in self.ways():
            text = f"ping from {sender.name} at {time.monotonic()}"
            sender("send", channel=numbers[sender], text=text)
            receiver.wait("message", channel=numbers[receiver], text=text)

    def exchange_large_messages(self):
        """The largest message that each side takes, and the error above that."""
        numbers = self.channels["ordered"]
        told = re.search(r"a=max-message-size:(\d+)", self.descriptions[self.other])
        limit = int(told[1]) if told else 65536
        size = min(limit or MEGABYTE, MEGABYTE)
        for sender, receiver, size in ((self.floe, self.other, size), (self.other, self.floe, self.other_kind.sends)):
            sender("send_many", channel=numbers[sender], count=1, size=size)
            got = receiver.wait("message", channel=numbers[receiver])
            digest = hashlib.sha256(payload_of_send_many(size)).hexdigest()
            check((got["size"], got.get("sha256")) == (size, digest), f"{receiver.name} got {got}")
            sender.wait("sent", channel=numbers[sender])
            self.say(f"{receiver.name} got a message of {size} bytes")
        if size < limit <= MEGABYTE or limit == size:
            refused = self.floe.answer("send_many", channel=numbers[self.floe], count=1, size=limit + 1)
            check(refused["event"] == "error" and refused["code"] == "message too long" and str(limit) in refused["text"],
                  f"a message of {limit + 1} bytes: {refused}")
            self.say(f"floe refuses one byte more: {refused['text']}")

    def transfer(self, size):
        """So many bytes each way, counted and hashed on both sides."""
        numbers = self.channels["ordered"]
        count = size // BLOCK
        for sender, receiver in self.ways():
            receiver("collect", channel=numbers[receiver], count=count)
            sender("send_many", channel=numbers[sender], count=count, size=BLOCK)
            sent = sender.wait("sent", 240, channel=numbers[sender])
            got = receiver.wait("collected", 240, channel=numbers[receiver])
            for name in ("count", "bytes", "sha256"):
                check(sent[name] == got[name], f"{name}: {sent[name]} was sent, {got[name]} came")
            self.say(f"{sender.name} -> {receiver.name}: {got['bytes']} bytes in {got['count']} messages, "
                     f"{8 * got['bytes'] / max(got['ms'], 1) / 1000:.0f} Mbit/s, sha256 {got['sha256'][:16]}")

    def restart_ice(self, restarter, other):
        """A restart that `restarter` wants and offers; messages go on."""
        before = {peer: ufrag(description) for peer, description in self.descriptions.items()}
        while self.floe.has("selected_candidate_pair"):
            self.floe.wait("selected_candidate_pair")
        restarter("restart_ice")
        restarter.wait("negotiation_needed")
        self.ping()
        offer, answer = self.pair.negotiate(restarter, other)
        self.descriptions = {restarter: offer, other: answer}
        after = {peer: ufrag(description) for peer, description in self.descriptions.items()}
        for peer, name in before.items():
            check(after[peer] != name, f"{peer.name} keeps its ufrag {name}")
        selected = self.floe.wait("selected_candidate_pair", nominated=True)
        self.ping()
        self.say(f"{restarter.name} restarted ICE: {selected['local']} <-> {selected['remote']}")

    def close_channels(self):
        """One from each side; the others go on."""
        for label, (closer, other) in zip(("unordered", "retransmits"), self.ways()):
            numbers = self.channels.pop(label)
            closer("close_channel", channel=numbers[closer])
            for peer in (other, closer):
                peer.wait("close", channel=numbers[peer])
            self.say(f"{closer.name} closed a channel, and {other.name} saw it")
        self.ping()
        # A stream whose channel is closed serves the next one.
        for opener, other in self.ways():
            if not self.other_kind.reuses_ids and opener is self.other:
                continue
            number = opener("create_data_channel", label="late")["channel"]
            told = other.wait("data_channel", label="late")
            opener.wait("open", channel=number)
            opener("send", channel=number, text="late")
            other.wait("message", channel=told["channel"], text="late")
        self.say("new channels open on the live connection, from both sides")

    def check_sections(self, count):
        """Both descriptions have so many sections, none refused, and both sides agree on what they are."""
        kinds = []
        for description in self.descriptions.values():
            sections = re.findall(r"^m=(\w+) (\d+)", description, re.MULTILINE)
            # A port of 0 in an offer is that of a section that is in the bundle anyway (RFC 9143 section 6).
            refused = [kind for kind, port in sections if port == "0" and "a=bundle-only" not in description]
            check(len(sections) == count and not refused, f"the sections are {sections}")
            kinds.append([kind for kind, _ in sections])
        check(kinds[0] == kinds[1], f"the sections are {kinds}")
        listed = self.floe("transceivers")["transceivers"]
        check(all(one["mid"] is not None and one["currentDirection"] for one in listed), f"floe has {listed}")
        told = ", ".join(f"{one['kind']} {one['currentDirection']}" for one in listed)
        self.say(f"{' '.join(kinds[0])}: in floe's words {told}")

    def add_media(self, adder, other, kind, sections):
        """A new section on the live connection; data go on in between."""
        adder("add_transceiver", kind=kind, direction="sendrecv")
        offer, answer = self.pair.negotiate(adder, other)
        self.descriptions = {adder: offer, other: answer}
        other.wait("track", kind=kind)
        self.check_sections(sections)
        self.ping()

    def roll_back(self):
        """An offer that is taken back, and one that has reached the other side and is taken back there too."""
        for offerer, answerer in self.ways():
            offer = offerer("set_local_description")
            answerer("set_remote_description", type="offer", sdp=offer["sdp"])
            answerer("set_remote_description", type="rollback")
            offerer("set_local_description", type="rollback")
            for peer in (offerer, answerer):
                check(peer("report")["signalingState"] == "stable", f"{peer.name} is not stable after the rollback")
            self.ping()
        self.say("offers of both sides were taken back, and data went on")

    def offer_at_once(self, sections):
        """Both offer at once; the polite one takes its offer back by taking the other's, and offers again."""
        for polite, impolite in self.ways():
            if polite is self.other and not self.other_kind.gives_way:
                continue
            for peer in (polite, impolite):
                peer("add_transceiver", kind="audio", direction="sendrecv")
            sections += 2
            polite("set_local_description")
            winner = impolite("set_local_description")
            polite("set_remote_description", type="offer", sdp=winner["sdp"])
            answer = polite("set_local_description")
            impolite("set_remote_description", type="answer", sdp=answer["sdp"])
            offer, answer = self.pair.negotiate(polite, impolite)
            self.descriptions = {polite: offer, impolite: answer}
            self.check_sections(sections)
            self.ping()
            self.say(f"both offered at once and {polite.name} gave way")

    def kill_the_other(self):
        self.other.process.kill()
        died = time.monotonic()
        for state in ("disconnected", "failed"):
            self.floe.wait("ice_connection_state", SILENCE, state=state)
            self.say(f"{state} {time.monotonic() - died:.1f} s after {self.other.name} was killed")
        told = self.floe.wait("ice_failure")
        self.say(f"floe says: {told['text']}")
        self.floe.wait("connection_state", state="failed")

    def check_names(self):
        """Each side has told a name; it may do so after its peer-reflexive address has connected it."""
        deadline = time.monotonic() + PATIENCE
        for sender, way in self.pair.ways.items():
            while True:
                told = re.findall(r"candidate:.* typ host.*", "\n".join([self.descriptions[sender], *way.passed]))
                if told or time.monotonic() > deadline:
                    break
                time.sleep(0.1)
            hosts = [candidate.split()[4] for candidate in told]
            check(hosts, f"{sender.name} told no host candidate")
            check(all(host.endswith(".local") or host in ("127.0.0.1", "::1") for host in hosts),
                  f"{sender.name} tells {told}")
            self.say(f"{sender.name} told no address: {hosts[0]}")

    def end(self, closer):
        """`closer` closes the connection; the other side sees its channels close."""
        other = self.other if closer is self.floe else self.floe
        closer("close")
        other.wait("close", channel=self.channels["ordered"][other])
        if other is self.floe and self.other_kind.says_goodbye:
            other.wait("dtls_state", state="closed")
        self.say(f"{closer.name} closed the connection, and {other.name} saw it")
        self.pair.end()
        other("close")
        for peer in (self.floe, self.other):
            peer.events.clear()
