"""A little internet of network namespaces, with the Linux kernel's own NATs between them.

The test process moves into namespaces of its own (network, mounts, processes) before it makes anything, so whatever
it made goes away with it, even if it is killed.

        home ── router ─┐
                        ├── net (203.0.113.0/24, 2001:db8::/64: servers live here)
      office ── router ─┘
"""

import ipaddress
import os
import subprocess
import sys

SKIPPED = 77  # what ctest takes as "skipped"
MARK = "FLOE_INSIDE_LAB"


def enter():
    """Starts this program again inside fresh namespaces, and ends with its exit code. Returns inside them."""
    if os.environ.get(MARK):
        subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)
        os.makedirs("/run/netns")
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        return
    command = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if os.geteuid() != 0:
        command += ["--user", "--map-root-user"]
    for tool, package in (("unshare", "util-linux"), ("ip", "iproute2"), ("nft", "nftables")):
        if subprocess.run(["which", tool], stdout=subprocess.DEVNULL).returncode != 0:
            skip(f"there is no {tool} (package {package})")
    probe = subprocess.run(command + ["sh", "-c", "mount -t tmpfs none /run && mkdir /run/netns && ip netns add probe && "
                                      "ip netns exec probe nft add table ip probe"],
                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if probe.returncode != 0:
        skip("network namespaces are not allowed here: " + " ".join(probe.stderr.split()))
    sys.exit(subprocess.run(command + [sys.executable, "-B", *sys.argv], env={**os.environ, MARK: "1"}).returncode)


def skip(why):
    print("skipped:", why)
    sys.exit(SKIPPED)


def run(*command, **options):
    subprocess.run(command, check=True, **options)


class Place:
    """One network namespace: a machine."""

    def __init__(self, name):
        self.name = name
        run("ip", "netns", "add", name)
        run("ip", "-n", name, "link", "set", "lo", "up")

    def ip(self, *arguments):
        run("ip", "-n", self.name, *arguments)

    def nft(self, rules):
        run("ip", "netns", "exec", self.name, "nft", "-f", "-", input=rules, text=True)

    def sysctl(self, setting):
        run("ip", "netns", "exec", self.name, "sysctl", "-qw", setting)

    def start(self, *command, **options):
        return subprocess.Popen(["ip", "netns", "exec", self.name, *map(str, command)], **options)

    def run(self, *command, **options):
        return subprocess.run(["ip", "netns", "exec", self.name, *map(str, command)], **options)


# What a router does with what leaves and what comes. Linux keeps the port where it can: the mapping does not depend on
# the destination, and only answers come back in. With "fully-random" every destination is given a port of its own.
CONE = "oifname wan masquerade"
SYMMETRIC = "oifname wan masquerade fully-random"
# Packets that nobody asked for must not be tracked as connections of the router itself: the entry would take the port
# away from the machine behind it that is about to send there.
FIREWALL = """
table inet firewall {
  chain forward { type filter hook forward priority 0; policy accept;
    ct state established,related accept
    %s
    iifname wan %s drop
  }
  chain input { type filter hook input priority 0; policy accept;
    ct state established,related accept
    iifname wan meta l4proto { udp, tcp } drop
  }
}
"""


class Lab:
    def __init__(self):
        self.net = Place("net")
        self.net.ip("link", "add", "backbone", "type", "bridge")
        self.net.ip("addr", "add", "203.0.113.1/24", "dev", "backbone")
        self.net.ip("addr", "add", "203.0.113.2/24", "dev", "backbone")
        self.net.ip("link", "set", "backbone", "up")
        # What is sent to an address that nobody has vanishes, as on the internet. An error in its place would make
        # coturn give a relay's socket up.
        self._cable(Place("void"), "wan", "192.0.2.1", self.net, "nowhere", "192.0.2.2")
        self.net.ip("neigh", "add", "192.0.2.1", "lladdr", "02:00:00:00:00:01", "nud", "permanent", "dev", "nowhere")
        self.net.ip("route", "add", "default", "via", "192.0.2.1")
        self._outside = ipaddress.ip_address("203.0.113.10")
        self._links = 0

    server = "203.0.113.1"

    def public(self, name):
        """A machine on the internet itself."""
        place = Place(name)
        self._plug(place, "wan", self.net, "backbone", self._next_address())
        place.ip("route", "add", "default", "via", self.server)
        return place

    def behind(self, name, nat, *, through=None, block="", inside="192.168.1"):
        """A machine behind a router that does `nat`; the router stands on the internet or behind the machine's own
        router `through`. `block` is a rule for what else the router lets not pass."""
        router = Place("router-" + name)
        router.sysctl("net.ipv4.ip_forward=1")
        if through is None:
            self._plug(router, "wan", self.net, "backbone", self._next_address())
            router.ip("route", "add", "default", "via", self.server)
        else:
            self._cable(through.router, "lan2", through.inside2 + ".1", router, "wan", through.inside2 + ".2")
            router.ip("route", "add", "default", "via", through.inside2 + ".1")
        place = Place(name)
        self._cable(router, "lan", inside + ".1", place, "eth0", inside + ".2")
        place.ip("route", "add", "default", "via", inside + ".1")
        router.nft("table ip nat { \n chain post { type nat hook postrouting priority 100; \n" + nat + "\n } \n }\n")
        router.nft(FIREWALL % (block, ""))
        place.router = router
        place.inside2 = "10.64.0"
        return place

    def _next_address(self):
        self._outside += 1
        return str(self._outside)

    def _plug(self, place, name, switch, bridge, address):
        self._links += 1
        port = f"port{self._links}"
        place.ip("link", "add", name, "type", "veth", "peer", "name", port, "netns", switch.name)
        switch.ip("link", "set", port, "master", bridge, "up")
        place.ip("addr", "add", address + "/24", "dev", name)
        place.ip("link", "set", name, "up")

    def _cable(self, upper, upper_name, upper_address, lower, lower_name, lower_address):
        lower.ip("link", "add", lower_name, "type", "veth", "peer", "name", upper_name, "netns", upper.name)
        for place, name, address in ((upper, upper_name, upper_address), (lower, lower_name, lower_address)):
            place.ip("addr", "add", address + "/24", "dev", name)
            place.ip("link", "set", name, "up")
