#!/usr/bin/env python3
"""Relays the same load over floe-turn and over coturn, in turns, and prints a JSON row per measurement:
name, floe, rival, ratio (above 1: floe is better).

Usage: compare.py BUILD_FOLDER [--rounds N] [--seconds N]

Servers get one relay thread each, because a client's packets pass through one thread in either. "packets/s" is what one
client gets through; "packets/CPU-s" is what the server's processor time buys, which other load on the machine disturbs
less. Packets reach the server singly or in trains, see turn_load.cc.
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import tempfile
import time

USER, PASSWORD, REALM = "alice", "wonderland", "floe.test"
SHAPES = [(direction, size, grouping) for grouping in ("singly", "trains") for size in (1200, 160)
          for direction in ("to-peer", "to-client")]


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def start_floe(build, port):
    process = subprocess.Popen(
        [os.path.join(build, "servers/floe-turn"), "--listen", "127.0.0.1", "--port", str(port), "--user",
         f"{USER}:{PASSWORD}", "--realm", REALM, "--allow-peer", "127.0.0.0/8"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    while process.stdout.readline() != "ready\n":
        assert process.poll() is None, "floe-turn did not start"
    return process


def start_coturn(folder, port):
    process = subprocess.Popen(
        ["turnserver", "-n", "--no-cli", "--listening-ip", "127.0.0.1", "--relay-ip", "127.0.0.1", "--listening-port",
         str(port), "--lt-cred-mech", "--user", f"{USER}:{PASSWORD}", "--realm", REALM, "--allow-loopback-peers",
         "--no-tls", "--no-dtls", "--relay-threads", "1", "--userdb", os.path.join(folder, "db"), "--pidfile",
         os.path.join(folder, "pid"), "--log-file", os.path.join(folder, "log")],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(2)
    assert process.poll() is None, "coturn did not start"
    return process


def measure(build, server, port, direction, size, grouping, seconds):
    before = cpu_seconds(server.pid)
    output = subprocess.run([os.path.join(build, "bench/turn/turn_load"), f"127.0.0.1:{port}", USER, PASSWORD,
                             "127.0.0.1", direction, str(size), str(seconds), grouping], check=True,
                            capture_output=True, text=True)
    used = cpu_seconds(server.pid) - before
    result = json.loads(output.stdout)
    return result["delivered"] / result["seconds"], result["delivered"] / max(used, 0.01)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ports = free_port(), free_port()
        servers = start_floe(arguments.build, ports[0]), start_coturn(folder, ports[1])
        try:
            for direction, size, grouping in SHAPES:
                results = [[], []]
                for _ in range(arguments.rounds):
                    for i, server in enumerate(servers):
                        results[i].append(measure(arguments.build, server, ports[i], direction, size, grouping,
                                                  arguments.seconds))
                for index, unit in enumerate(("packets/s", "packets/CPU-s")):
                    floe, rival = (statistics.median(row[index] for row in rows) for rows in results)
                    print(json.dumps({"name": f"TURN {direction}, {size} bytes, {grouping}, {unit}", "floe": round(floe),
                                      "rival": round(rival), "ratio": round(floe / rival, 2)}), flush=True)
        finally:
            for server in servers:
                server.terminate()
                server.wait()


if __name__ == "__main__":
    main()
