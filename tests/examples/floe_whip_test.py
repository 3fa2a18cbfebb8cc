#!/usr/bin/env python3
"""Runs the real floe-whip over the loopback interface: server, publishers and players.

  floe_whip_test.py FLAGS TEST   runs one test; exit code 77: what it needs is not installed
  floe_whip_test.py --list       prints the names of the tests
"""

import http.client
import shutil
import socket
import subprocess
import sys
import urllib.parse

from stage import Skipped, Stage, Tests, check

# Documented in floe-whip --help.
DONE, INTERNAL, USAGE, REFUSED = range(4)


class WhipStage(Stage):
    def serve(self, *flags):
        self.server = self.start("serve", self.args.whip, "serve", "--port", 0, "--loopback", *flags)
        self.whip = self.server.expect("^whip http").split()[1]
        self.whep = self.server.expect("^whep http").split()[1]

    def publish(self, stream, *flags):
        return self.start("publish", self.args.whip, "publish", f"{self.whip}/{stream}", "--loopback", *flags)

    def watch(self, stream, *flags):
        return self.start("watch", self.args.whip, "watch", f"{self.whep}/{stream}", "--loopback", *flags)

    def ask(self, method, path, body=None, **headers):
        """A request of somebody's who knows HTTP only."""
        url = urllib.parse.urlsplit(self.whip)
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=20)
        self.stack.callback(connection.close)
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, response.read().decode()


tests = Tests(__doc__, WhipStage)


@tests.add
def passes_on_what_is_published(stage):
    stage.serve()
    early = stage.watch("door")
    early.expect("409 Conflict: nobody publishes this stream; to be tried again in 2 s")
    publisher = stage.publish("door", "--audio")
    publisher.expect("^connected$")
    second = stage.publish("door")
    second.expect("409 Conflict: somebody publishes this stream already")
    second.expect_exit(REFUSED)
    elsewhere = stage.publish("window")
    elsewhere.expect("^connected$")
    # Who is connected hears only once the channel is there.
    first = stage.server.expect('^session .* watches door: channel "floe-whip"$').split()[1]
    late = stage.watch("door", "--audio")
    stage.server.expect(f'^session (?!{first} ).* watches door: channel "floe-whip"$')
    for line in ("one", "/restart", "two"):
        publisher.type(line)
        if line.startswith("/"):
            publisher.expect("^restarted$")
    elsewhere.type("not for the door")
    publisher.type("the last words")
    publisher.end_input()
    publisher.expect_exit(DONE)
    for player in (early, late):
        player.expect("^the last words$")
        check("not for the door" not in player.lines, "a player hears another stream")
        player.end_input()
        player.expect_exit(DONE)
    stage.server.expect("^session .* publishes door: ended: the client ended the session$")


@tests.add
def says_why_there_is_no_session(stage):
    stage.serve("--token", "letmein")
    stranger = stage.publish("door", "--token", "guess")
    stranger.expect("401 Unauthorized: the bearer token does not open this stream")
    stranger.expect_exit(REFUSED)
    lost = stage.start("lost", stage.args.whip, "publish", stage.whip.replace("/whip", "/nowhere"))
    lost.expect("404 Not Found: there is neither an endpoint nor a session at")
    lost.expect_exit(REFUSED)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    nobody = stage.start("nobody", stage.args.whip, "publish", f"http://127.0.0.1:{port}/whip")
    nobody.expect(f"^POST http://127.0.0.1:{port}/whip: .*refused")
    nobody.expect_exit(REFUSED)
    wrong = stage.start("wrong", stage.args.whip, "publish", "ftp://127.0.0.1/whip")
    wrong.expect("begins with neither https:// nor http://")
    wrong.expect_exit(USAGE)
    taken = stage.start("taken", stage.args.whip, "serve", "--port", urllib.parse.urlsplit(stage.whip).port)
    taken.expect("in use")
    taken.expect_exit(INTERNAL)
    stage.start("none", stage.args.whip).expect_exit(USAGE)


@tests.add
def takes_no_harm_from_what_is_no_session(stage):
    stage.serve()
    sdp = {"Content-Type": "application/sdp"}
    check(stage.ask("POST", "/whip", "v=0\r\n", **sdp)[0] == 400, "half an offer is taken")
    check(stage.ask("POST", "/whip", "x" * 300_000, **sdp)[0] == 413, "a huge body is taken")
    check(stage.ask("POST", "/whip", "{}", **{"Content-Type": "application/json"})[0] == 415, "JSON is taken")
    check(stage.ask("PUT", "/whip", "")[0] == 405, "PUT is taken")
    check(stage.ask("DELETE", "/session/unknown")[0] == 404, "an unknown session is deleted")
    status, body = stage.ask("OPTIONS", "/whep/door")
    check((status, body) == (200, ""), f"OPTIONS gets {status} {body}")
    url = urllib.parse.urlsplit(stage.whip)
    with socket.create_connection((url.hostname, url.port), 20) as raw:
        raw.sendall(bytes(range(256)) + b"\r\n\r\n")
        check(raw.recv(100).startswith(b"HTTP/1.1 400 "), "garbage is taken")
    publisher = stage.publish("door")
    publisher.expect("^connected$")


@tests.add
def speaks_https(stage):
    openssl = shutil.which("openssl")
    if openssl is None:
        raise Skipped("openssl is not installed; scripts/setup installs it")
    key, certificate = stage.folder / "key.pem", stage.folder / "certificate.pem"
    subprocess.run([openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
                    key, "-out", certificate, "-days", "2", "-subj", "/CN=floe", "-addext", "subjectAltName=IP:127.0.0.1"],
                   check=True, capture_output=True)
    stage.serve("--certificate", certificate, "--key", key)
    check(stage.whip.startswith("https://"), f"the server is at {stage.whip}")
    publisher = stage.publish("door", "--ca", certificate)
    publisher.expect("^session https://")
    publisher.expect("^connected$")
    stranger = stage.publish("window")
    stranger.expect("^POST https://.*certificate")
    stranger.expect_exit(REFUSED)


if __name__ == "__main__":
    sys.exit(tests.run("--whip"))
