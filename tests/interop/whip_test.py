#!/usr/bin/env python3
"""WHIP and WHEP between real browsers and floe-whip, over the loopback interface. The browsers use the client of
@binbat/whip-whep on a page of another origin.

  whip_test.py FLAGS TEST   runs one test; exit code 77: what it needs is not installed
  whip_test.py --list       prints the names of the tests
"""

import functools
import http.server
import json
import pathlib
import re
import sys
import threading

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "examples"))

from browsers import Page  # noqa: E402
from stage import Skipped, Stage, Tests, check  # noqa: E402

DONE = 0
TOKEN = "letmein"


class Files(http.server.BaseHTTPRequestHandler):
    """The page, and the package that it imports."""

    def __init__(self, package, *rest):
        self.package = package
        super().__init__(*rest)

    def do_GET(self):
        path = self.path.partition("?")[0]
        file = self.package / path.removeprefix("/whip-whep/") if path.startswith("/whip-whep/") else HERE / "whip_page.html"
        body = file.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", "text/javascript" if file.suffix == ".js" else "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class WhipStage(Stage):
    def serve(self, *flags):
        self.server = self.start("serve", self.args.whip, "serve", "--port", 0, "--loopback", "--token", TOKEN, *flags)
        self.whip = self.server.expect("^whip http://").split()[1] + "/door"
        self.whep = self.server.expect("^whep http://").split()[1] + "/door"

    def visit(self, name, command, url, *flags):
        return self.start(name, self.args.whip, command, url, "--loopback", "--token", TOKEN, *flags)

    def page(self, browser):
        package = pathlib.Path(self.args.packages) / "node_modules" / "@binbat" / "whip-whep"
        if not package.is_dir():
            raise Skipped("@binbat/whip-whep is not installed; the test Interop.InstallsItsPackages says why")
        files = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Files, package))
        self.stack.callback(files.server_close)
        self.stack.callback(files.shutdown)
        threading.Thread(target=files.serve_forever, daemon=True).start()
        page = Page(self, browser, f"http://127.0.0.1:{files.server_address[1]}/")
        page.wait_for_text("#log", "ready")
        return page


tests = Tests(__doc__, WhipStage)


def call(page, function, *arguments):
    return page.evaluate(f"{function}({', '.join(json.dumps(argument) for argument in arguments)})")


def directions(sdp):
    """Of the audio and video sections."""
    sections = re.split(r"^m=", sdp, flags=re.MULTILINE)[1:]
    return [re.search(r"^a=(sendrecv|sendonly|recvonly|inactive)\r?$", section, re.MULTILINE).group(1)
            for section in sections if section.startswith(("audio", "video"))]


def publishes_and_watches(stage, browser):
    stage.serve()
    page = stage.page(browser)
    refusal = call(page, "refusal", stage.whip, "guess")
    check(refusal["status"] == 401 and "token" in refusal["detail"], f"a wrong token gets {refusal}")

    answer = call(page, "publish", stage.whip, TOKEN)
    check(directions(answer) == ["recvonly", "recvonly"], f"the publisher is answered {directions(answer)}")
    check("a=candidate:" in answer, "the answer has no candidates")
    page.wait_for_text("#log", "publisher: connected")
    answer = call(page, "watch", stage.whep, TOKEN)
    check(directions(answer) == ["sendonly", "sendonly"], f"the player is answered {directions(answer)}")
    page.wait_for_text("#log", "player: connected")
    for kind in ("audio", "video"):
        page.wait_for_text("#log", f"player is sent {kind}")
    page.wait("played().then(({frames, samples, width}) => frames > 20 && samples > 20000 && width === 64)")
    print(f"{browser} plays what it published: {page.evaluate('played()')}", flush=True)
    terminal = stage.visit("watch", "watch", stage.whep)
    terminal.expect("^connected$")
    # Who is connected hears only once its channel is there.
    for label in ("page", "floe-whip"):
        stage.server.expect(f'^session .* watches door: channel "{label}"$')
    call(page, "say", "publisher", "grüße")
    page.wait_for_text("#log", "player hears: grüße")
    terminal.expect("^grüße$")

    for name in ("publisher", "player"):
        call(page, "restart", name)
        page.wait_for_text("#log", f"{name} has restarted")
    call(page, "say", "publisher", "still here")
    page.wait_for_text("#log", "player hears: still here")
    terminal.expect("^still here$")

    call(page, "stop", "player")
    call(page, "stop", "publisher")
    for what in ("publishes", "watches"):
        stage.server.expect(f"^session .* {what} door: ended: the client (ended the session|closed the connection)$")


def watches_the_program(stage, browser):
    """The browser plays what floe-whip publishes; the server goes first."""
    stage.serve()
    early = stage.visit("early", "watch", stage.whep)
    early.expect("409 Conflict: nobody publishes this stream")
    terminal = stage.visit("publish", "publish", stage.whip, "--audio", "--video")
    terminal.expect("^connected$")
    early.expect("^connected$")
    page = stage.page(browser)
    answer = call(page, "watch", stage.whep, TOKEN)
    check(directions(answer) == ["sendonly", "sendonly"], f"the player is answered {directions(answer)}")
    page.wait_for_text("#log", "player: connected")
    for label in ("page", "floe-whip"):
        stage.server.expect(f'^session .* watches door: channel "{label}"$')
    terminal.type("grüße from the terminal")
    page.wait_for_text("#log", "player hears: grüße from the terminal")
    early.expect("^grüße from the terminal$")
    terminal.type("/restart")
    terminal.expect("^restarted$")
    terminal.type("and again")
    page.wait_for_text("#log", "player hears: and again")
    terminal.type("goodbye")
    terminal.end_input()
    terminal.expect_exit(DONE)
    page.wait_for_text("#log", "player hears: goodbye")
    stage.server.expect("^session .* publishes door: ended: the client ended the session$")


@tests.add
def chromium_publishes_and_watches(stage):
    publishes_and_watches(stage, "chromium")


@tests.add
def firefox_publishes_and_watches(stage):
    publishes_and_watches(stage, "firefox")


@tests.add
def chromium_watches_the_program(stage):
    watches_the_program(stage, "chromium")


@tests.add
def firefox_watches_the_program(stage):
    watches_the_program(stage, "firefox")


if __name__ == "__main__":
    sys.exit(tests.run("--whip", "--packages"))
