#!/usr/bin/env python3
"""floe's programs together with real browsers, over the loopback interface.

  interop_test.py FLAGS TEST   runs one test; exit code 77: what it needs is not installed
  interop_test.py --list       prints the names of the tests
"""

import json
import pathlib
import socket
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "examples"))

from browsers import WEB, run_in_browser  # noqa: E402
from stage import Tests, check  # noqa: E402

tests = Tests(__doc__)


def trickle_ice(stage, browser, *servers):
    """What the page shows of the servers, after a floe-ice and the browser have gathered."""
    flags = [word for server in servers for word in ("--ice-server", server)]
    signaling, stun = stage.signal("--www", WEB, *flags)
    floe_ice = stage.start("floe-ice", stage.args.ice, "--loopback", "--serve", signaling)
    floe_ice.expect("^waiting in room ")
    page = "http" + signaling.removeprefix("ws").removesuffix("signal") + "trickle-ice/"
    return run_in_browser(stage, browser, "trickle_ice_page.mjs", page), stun


def types(results):
    return {candidate["type"] for candidate in results["candidates"]}


def check_page(stage, browser):
    udp, _ = stage.turn()
    # Bound, so that nobody else gets the port; but not listening. Chromium would wait 40 s for a silent UDP server.
    taken = stage.stack.enter_context(socket.socket())
    taken.bind(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    dead = f"turn:127.0.0.1:{port}?transport=tcp"
    shown, stun = trickle_ice(stage, browser, f"turn:{udp},ann,secret", f"{dead},ann,secret")
    print(json.dumps(shown, indent=1))
    check(shown["width"] <= 390, f"on a phone the page is {shown['width']} pixels wide")
    for results in (shown["browser"], shown["floe"]):
        check({"host", "relay"} <= types(results), f"the types are {types(results)}")
        for candidate in results["candidates"]:
            check(candidate["address"] and candidate["protocol"].split()[0] in ("udp", "tcp") and
                  candidate["priority"] > 0 and candidate["port"] > 0 and candidate["ms"] >= 0, f"{candidate} is not whole")
        check(any(f"127.0.0.1:{port}" in error for error in results["errors"]),
              f"no error names {dead}: {results['errors']}")
    check([line[0] for line in shown["servers"]] == [f"stun:{stun}", f"turn:{udp}", dead],
          f"the servers are {shown['servers']}")
    _, working, broken = shown["servers"]
    told = working[1:] if browser == "chromium" else working[2:]  # Firefox does not tell a candidate's server.
    for cell in told:
        check(cell.startswith("relay 127.0.0.1 port "), f"for the TURN server it says {cell!r}")
    for cell in broken[1:]:
        check(cell.startswith("701 "), f"for the dead server it says {cell!r}")


@tests.add
def chromium_gathers_beside_floe(stage):
    check_page(stage, "chromium")


@tests.add
def firefox_gathers_beside_floe(stage):
    check_page(stage, "firefox")


if __name__ == "__main__":
    sys.exit(tests.run("--ice", "--signal", "--turn", "--packages"))
