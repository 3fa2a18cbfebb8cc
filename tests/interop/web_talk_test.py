#!/usr/bin/env python3
"""The pages of examples/web/chat and examples/web/peers in real browsers, over the loopback interface.

  web_talk_test.py FLAGS TEST   runs one test; exit code 77: what it needs is not installed
  web_talk_test.py --list       prints the names of the tests
"""

import hashlib
import json
import os
import pathlib
import signal
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "examples"))

from browsers import WEB, Page  # noqa: E402
from stage import Stage, Tests, check  # noqa: E402

DONE = 0


class TalkStage(Stage):
    def serve(self):
        self.url, _ = self.signal("--www", WEB)
        self.pages = "http" + self.url.removeprefix("ws").removesuffix("signal")

    def chat(self, name, *flags):
        return self.start(name, self.args.chat, "--signal", self.url, "--room", "test", "--name", name, "--loopback",
                          *flags)

    def file(self, name, size):
        path = self.folder / name
        path.write_bytes(os.urandom(size))
        return path


tests = Tests(__doc__, TalkStage)


class Talker(Page):
    """Somebody at one of the two pages."""

    def wait_for_phase(self, phase):
        self.wait(f"document.body.dataset.phase === '{phase}'")

    def join(self, name=None):
        if name is not None:
            self.fill("#name", name)
        self.click("#join [type=submit]")

    def say(self, text):
        self.fill("#text", text)
        self.click("#send")

    def hear(self, line):
        self.wait_for_text("#log", line)

    def send(self, path):
        self.upload("#file", path)

    def wait_for_file(self, name, state="done"):
        """What its card says when it has come to its end, which has to be `state`."""
        card = ("[...document.querySelectorAll('.file')]"
                f".find((card) => card.querySelector('.title').innerText === {json.dumps(name)})")
        self.wait(f"/done|failed/.test({card}?.dataset.state)")
        says = self.evaluate(f"{card}.innerText")
        check(self.evaluate(f"{card}.dataset.state") == state, f"{name} is not {state}: {says}")
        return says

    def digest_of_received(self, name):
        """Of what the person would save."""
        self.wait_for_file(name)
        return self.evaluate(f"""
          fetch(document.querySelector('a[download={json.dumps(name)}]').href)
            .then((answer) => answer.arrayBuffer())
            .then((bytes) => crypto.subtle.digest('SHA-256', bytes))
            .then((bytes) => Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join(''))""")

    def check_explanations(self):
        # A browser hides its local addresses: then the one that a STUN server sees may be used, as if through a NAT.
        self.wait("/direct|NAT/.test(document.querySelector('#path').dataset.kind)")
        self.wait_for_text("#connection", "open")
        self.wait_for_text("#round-trip", "ms")
        for word in ("In the room", "Connection connected", "Path: ", "Data channel open"):
            check(word in self.text("#timeline"), f"the time line has no {word!r}: {self.text('#timeline')}")
        width = self.evaluate("document.documentElement.scrollWidth")
        check(width <= 390, f"on a phone the page is {width} pixels wide")


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def chat_with_the_program(stage, browser):
    stage.serve()
    to_page, from_page = stage.file("from program.bin", 6_000_000), stage.file("from_page.bin", 5_000_001)
    saved = stage.folder / "saved"
    ann = stage.chat("ann", "--stay", "--save", saved, "--file", to_page)
    ann.expect("waiting for somebody")
    ann.type("grüße from the terminal")
    # Who comes second offers: the page.
    page = Talker(stage, browser, stage.pages + "chat/?room=test")
    page.join()
    page.wait_for_phase("talking")
    page.hear("grüße from the terminal")
    page.say("grüße from the page\nand a second line")
    ann.expect("^browser: grüße from the page$")
    ann.expect("^browser: and a second line$")
    page.send(from_page)
    check("Verified by the other side" in page.wait_for_file("from_page.bin"), "the program did not confirm the file")
    check(digest(saved / "from_page.bin") == digest(from_page), "the page's file came across changed")
    check(page.digest_of_received("from program.bin") == digest(to_page), "the program's file came across changed")
    ann.expect("sent from program.bin: .*confirmed by the receiver")
    page.check_explanations()
    page.click("#leave")
    page.wait_for_text("#status", "You have left.")
    ann.expect("browser has left")
    ann.expect_exit(DONE)
    # Now the program does, and leaves first.
    page.join()
    page.wait_for_phase("waiting")
    ben = stage.chat("ben")
    ben.expect("talking with browser")
    ben.type("the second time")
    page.hear("the second time")
    ben.end_input()
    page.wait_for_text("#status", "ben has left.")
    ben.expect_exit(DONE)


@tests.add
def chromium_chats_with_the_program(stage):
    chat_with_the_program(stage, "chromium")


@tests.add
def firefox_chats_with_the_program(stage):
    chat_with_the_program(stage, "firefox")


@tests.add
def chromium_and_firefox_chat_with_each_other(stage):
    stage.serve()
    from_ann, from_ben = stage.file("ann.bin", 5_000_000), stage.file("ben.bin", 3_000_001)
    ann = Talker(stage, "chromium", stage.pages + "peers/")
    ann.join("Ann")
    ann.wait_for_phase("waiting")
    ben = Talker(stage, "firefox", ann.evaluate("document.querySelector('#link').value"))
    ben.join("Ben")
    for page in (ann, ben):
        page.wait_for_phase("talking")
    ann.say("hello Ben")
    ben.hear("hello Ben")
    ben.say("hello Ann")
    ann.hear("hello Ann")
    ann.send(from_ann)
    ben.send(from_ben)
    check(ben.digest_of_received("ann.bin") == digest(from_ann), "Chromium's file came across changed")
    check(ann.digest_of_received("ben.bin") == digest(from_ben), "Firefox's file came across changed")
    for page, name in ((ann, "ann.bin"), (ben, "ben.bin")):
        check("Verified by the other side" in page.wait_for_file(name), f"{name} was not confirmed")
        page.check_explanations()
    # The talk is the two's own: it goes on without the server.
    stage.programs[0].process.terminate()
    for page in (ann, ben):
        page.wait_for_text("#signaling", "gone")
    ben.say("still there?")
    ann.hear("still there?")
    ann.click("#leave")
    ben.wait_for_text("#status", "Ann has left.")


@tests.add
def the_page_says_plainly_what_went_wrong(stage):
    stage.serve()
    ann, ben = stage.chat("ann"), stage.chat("ben")
    ben.expect("talking with ann")
    page = Talker(stage, "chromium", stage.pages + "chat/?room=test")
    page.join()
    page.wait_for_text("#status", "Two are talking in this room already")
    for program in (ann, ben):
        program.process.terminate()
        program.expect_exit(DONE)

    huge = stage.folder / "huge"
    with huge.open("wb") as file:
        file.truncate(1_000_000_001)
    carol = stage.chat("carol", "--stay", "--file", huge)
    carol.expect("waiting for somebody")
    page.join()
    page.wait_for_phase("talking")
    check("the file is too large: a page keeps 1000 MB at most" in page.wait_for_file("huge", "failed"),
          "the page does not say why it refused the file")
    carol.expect("huge was not sent: the receiver says: the file is too large")
    page.send(stage.file("unwanted", 10))
    check("files are not taken here" in page.wait_for_file("unwanted", "failed"), "the program's reason is not shown")
    page.say("x" * 300_000)
    page.wait_for_text("#problem", "A line has 300000 bytes")
    check(page.evaluate("document.querySelector('#text').value.length") == 300_000, "the text is lost")
    page.fill("#text", "not sent yet")
    carol.process.send_signal(signal.SIGKILL)
    page.wait_for_text("#status", "carol vanished")
    check(page.evaluate("document.querySelector('#text').value") == "not sent yet", "the text is lost")

    page.join()
    page.wait_for_phase("waiting")
    stage.programs[0].process.terminate()
    page.wait_for_text("#status", "The signalling server closed the connection")
    page.join()
    page.wait_for_text("#status", "does not answer. Does floe-signal still run there?")


@tests.add
def the_page_names_paths_in_words(stage):
    stage.serve()
    page = Talker(stage, "chromium", stage.pages + "peers/")
    told = page.evaluate("""import('../shared/path.js').then(({describePair}) => [
        ['host', '', 'host', ''],
        ['host', '127.0.0.1', 'prflx', '127.0.0.1'],
        ['host', '192.168.1.2', 'prflx', '192.168.1.3'],
        ['host', '192.168.1.2', 'srflx', '203.0.113.9'],
        ['host', '', 'srflx', '10.0.0.7'],
        ['host', '192.168.1.2', 'srflx', '198.51.100.7'],
        ['prflx', '203.0.113.9', 'host', '198.51.100.7'],
        ['srflx', '203.0.113.9', 'prflx', '198.51.100.7'],
        ['host', '192.168.1.2', 'relay', '198.51.100.7'],
      ].map(([localType, local, remoteType, remote]) => describePair({}, {candidateType: localType, address: local},
        {candidateType: remoteType, address: remote}, new Set(['203.0.113.9'])).kind))""")
    expected = 5 * ["direct"] + ["through the other side's NAT", "through your NAT", "through both NATs",
                "relayed"]
    check(told == expected, f"the paths are called {told}")


if __name__ == "__main__":
    sys.exit(tests.run("--chat", "--signal", "--packages"))
