"""coturn's own clients against floe-turn on the loopback interface: every packet must come back.

Usage: turn_interop.py FLOE_TURN. Exit code 77: coturn's tools are not installed.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile

TOOLS = ("turnutils_uclient", "turnutils_peer", "turnutils_stunclient", "turnutils_natdiscovery", "openssl")
USER, PASSWORD, SECRET, REALM = "alice", "wonderland", "north", "floe.test"
CLIENTS, MESSAGES = 4, 40
# What turnutils_uclient is told beyond the basics, by what it does then. Left out: channels between clients over TLS,
# where the client leaves its last messages unread in its TLS layer; it misses them with coturn's server too.
# With TCP relays the client uses one nonce for a control connection and its data connections. A 438 to a Connect it
# answers by connecting to its first peer once more (446), and then waits 35 s for the connection that is missing.
CASES = {
    "channels over UDP": [],
    "Send indications over UDP": ["-s"],
    "channels between clients over UDP": ["-y"],
    "RTP and RTCP on a pair of reserved ports": ["-G"],
    "DONT-FRAGMENT": ["-g"],
    "channels over TCP": ["-t"],
    "Send indications over TCP": ["-t", "-s"],
    "channels between clients over TCP": ["-t", "-y"],
    "channels over TLS": ["-t", "-S"],
    "channels over DTLS": ["-S"],
    "channels between clients over DTLS": ["-S", "-y"],
    "large packets over TCP": ["-t", "-l", "1400"],
    "TCP relays": ["-t", "-T"],
}
# What turnutils_natdiscovery must say: the loopback interface has no NAT, and all of 127.0.0.0/8 is the machine's own.
DISCOVERIES = {
    "mapping": (["-m"], "Endpoint Independent Mapping!"),
    "mapping with padding": (["-m", "-P"], "Endpoint Independent Mapping!"),
    "filtering": (["-f"], "Endpoint Independent Filtering!"),
    "hairpinning": (["-H", "-L", "127.0.0.1"], "maybe a successful hairpinning"),
    "collisions": (["-c", "-L", "127.0.0.1", "-A", "127.0.0.2"], "UDP reflexive addr: 127.0.0.2:"),
    "lifetime": (["-t", "-T", "1"], "RFC 5780 response 2"),
}


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def make_certificate(folder):
    certificate, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
                    "-subj", "/CN=turn.test", "-days", "2"], check=True, capture_output=True)
    return certificate, key


class Server:
    """floe-turn on ports that are free."""

    def __init__(self, program, folder, log):
        certificate, key = make_certificate(folder)
        self.process = subprocess.Popen(
            [program, "--listen", "127.0.0.1", "--port", "0", "--tls-port", "0", "--cert", certificate, "--key", key,
             "--user", f"{USER}:{PASSWORD}", "--secret", SECRET, "--realm", REALM, "--allow-peer", "127.0.0.0/8",
             "--other-address", "127.0.0.2", "--other-port", "0", "--unauthenticated-rate", "0"], stdout=subprocess.PIPE, stderr=log, text=True)
        self.ports = {}
        for line in self.process.stdout:
            if line == "ready\n":
                return
            transport, _, address = line.strip().partition(" ")
            self.ports.setdefault(transport, address.rpartition(":")[2])
        raise AssertionError("floe-turn did not start")

    def stop(self):
        self.process.terminate()
        return self.process.wait(timeout=20)

    def port_for(self, flags):
        return self.ports[{(False, False): "udp", (True, False): "tcp", (True, True): "tls",
                           (False, True): "dtls"}["-t" in flags, "-S" in flags]]


def run_client(server, peer_port, flags, credentials):
    command = ["turnutils_uclient", *flags, *credentials, "-e", "127.0.0.1", "-r", str(peer_port), "-X",
               "-n", str(MESSAGES), "-p", server.port_for(flags), "127.0.0.1"]
    if "-l" not in flags:
        command[1:1] = ["-l", "400"]
    if "-m" not in flags:
        command[1:1] = ["-m", str(CLIENTS)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=90)
    output = result.stdout + result.stderr
    received = re.findall(r"tot_send_msgs=(\d+), tot_recv_msgs=(\d+)", output)
    lost = re.search(r"Total lost packets (\d+)", output)
    good = result.returncode == 0 and received and lost and lost.group(1) == "0" and received[-1][0] != "0"
    return good and received[-1][0] == received[-1][1], output


def discover(server, flags, expected):
    result = subprocess.run(["turnutils_natdiscovery", *flags, "-p", server.ports["udp"], "127.0.0.1"],
                            capture_output=True, text=True, timeout=60)
    output = result.stdout + result.stderr
    return result.returncode == 0 and expected in output and "timeout" not in output, output


def main():
    if any(shutil.which(tool) is None for tool in TOOLS):
        print("coturn's tools are not installed")
        return 77
    failures = []
    with tempfile.TemporaryDirectory() as folder, open(os.path.join(folder, "log"), "w+") as log:
        server = Server(sys.argv[1], folder, log)
        peer_port = free_port()
        peer = subprocess.Popen(["turnutils_peer", "-L", "127.0.0.1", "-p", str(peer_port)],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            by_name = ["-u", USER, "-w", PASSWORD]
            runs = [(name, flags, by_name) for name, flags in CASES.items()]
            runs.append(("a time-limited name", [], ["-W", SECRET]))
            for name, flags, credentials in runs:
                good, output = run_client(server, peer_port, flags, credentials)
                print(("ok      " if good else "FAILED  ") + name, flush=True)
                if not good:
                    failures.append(f"{name}:\n{output[-3000:]}")
            stun = subprocess.run(["turnutils_stunclient", "-p", server.ports["udp"], "127.0.0.1"],
                                  capture_output=True, text=True, timeout=30)
            for name, (flags, expected) in DISCOVERIES.items():
                good, output = discover(server, flags, expected)
                print(("ok      " if good else "FAILED  ") + "NAT discovery: " + name, flush=True)
                if not good:
                    failures.append(f"NAT discovery, {name}:\n{output[-3000:]}")
            if "reflexive addr: 127.0.0.1" not in stun.stdout + stun.stderr:
                failures.append("turnutils_stunclient:\n" + stun.stdout + stun.stderr)
        finally:
            peer.kill()
            peer.wait()
            if server.stop() != 0:
                failures.append("floe-turn did not stop on SIGTERM with code 0")
        log.seek(0)
        if failures:
            print("\n\n".join(failures), "\nfloe-turn:\n" + log.read()[-3000:])
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
