"""coturn on the lab's own internet, with a certificate of an authority that the test makes."""

import os
import subprocess
import tempfile
import time

NAME = "turn.example"
USER, PASSWORD, REALM = "alice", "wonderland", "example.org"


class Coturn:
    def __init__(self, place, address):
        self._place = place
        self._address = address
        self.folder = tempfile.TemporaryDirectory(dir="/run")
        self.ca = os.path.join(self.folder.name, "ca.pem")
        self._make_certificates()
        self._process = None
        self.start()

    def _path(self, name):
        return os.path.join(self.folder.name, name)

    def _make_certificates(self):
        def openssl(*arguments):
            subprocess.run(["openssl", *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        openssl("req", "-x509", *key, "-keyout", self._path("ca.key"), "-out", self.ca, "-subj", "/CN=lab authority",
                "-days", "2")
        with open(self._path("names"), "w", encoding="utf-8") as file:
            file.write(f"subjectAltName=DNS:{NAME},IP:{self._address}\n")
        openssl("req", *key, "-keyout", self._path("turn.key"), "-out", self._path("turn.csr"), "-subj", f"/CN={NAME}")
        openssl("x509", "-req", "-in", self._path("turn.csr"), "-CA", self.ca, "-CAkey", self._path("ca.key"),
                "-CAcreateserial", "-out", self._path("turn.pem"), "-days", "1", "-extfile", self._path("names"))

    def start(self):
        self._process = self._place.start(
            "turnserver", "-n", "--no-cli", "--log-file", "stdout", "--simple-log", "--verbose", "--fingerprint",
            "--listening-ip", self._address, "--relay-ip", self._address, "--listening-port", 3478, "--tls-listening-port",
            5349, "--lt-cred-mech", "--user", f"{USER}:{PASSWORD}", "--realm", REALM, "--cert", self._path("turn.pem"),
            "--pkey", self._path("turn.key"), "--pidfile", self._path("pid"), "--userdb", self._path("db"),
            "--relay-threads", 1, stdout=open(self._path("log"), "ab"), stderr=subprocess.STDOUT)
        deadline = time.monotonic() + 30
        # It answers when its listener says so.
        while "IO method" not in self.log() or "Total General servers" not in self.log():
            assert self._process.poll() is None and time.monotonic() < deadline, "coturn did not start:\n" + self.log()
            time.sleep(0.05)

    def stop(self):
        self._process.kill()
        self._process.wait()
        os.truncate(self._path("log"), 0)

    def restart(self):
        """All allocations are lost, as when the machine reboots."""
        self.stop()
        self.start()

    def log(self):
        with open(self._path("log"), encoding="utf-8", errors="replace") as file:
            return file.read()
