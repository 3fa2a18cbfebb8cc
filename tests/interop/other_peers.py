"""The peers that are not floe: how each is started, and what it is known not to do."""

import contextlib
import dataclasses
import pathlib
import shutil
import subprocess

from browsers import BROWSERS as EXECUTABLES, PATIENCE
from line_peers import LinePeer
from stage import Skipped

HERE = pathlib.Path(__file__).resolve().parent
MEGABYTE = 1 << 20


@dataclasses.dataclass
class Other:
    name: str
    command: callable  # Of a stage: the words that start it; Skipped if it is not there.
    restarts: bool = True        # It has restartIce().
    rolls_back: bool = True      # It takes offers back.
    gives_way: bool = True       # It does so by itself when another offer comes.
    has_media: bool = True
    hides_addresses: bool = False  # Its host candidates have names.
    sends: int = MEGABYTE        # The largest message it can send to a peer that takes a megabyte.
    transfer: int = 100 * MEGABYTE  # Bytes each way.
    any_label: bool = True       # It counts a label's length in bytes, not in letters.
    sends_empty: bool = True     # It has a message of no bytes sent as one byte (RFC 8831 section 6.6).
    tells_options: bool = True   # The other side knows how it made a channel.
    sees_options: bool = True    # It knows how the other side made a channel.
    reuses_ids: bool = True      # A channel whose id was another's opens.
    says_goodbye: bool = True    # Its close() closes DTLS; otherwise SCTP alone says that it goes.

    def start(self, stage):
        peer = LinePeer(self.name, *self.command(stage))
        stage.programs.append(peer)
        # Browsers have processes of their own, and write to the stage's folder, until they end in good order.
        stage.stack.callback(quit_and_wait, peer)
        peer.wait("ready", PATIENCE)
        return peer


def quit_and_wait(peer):
    with contextlib.suppress(OSError, ValueError, subprocess.TimeoutExpired):
        peer.type('{"command": "quit"}')
        peer.process.wait(PATIENCE)


def node(stage, package):
    program = shutil.which("node")
    if program is None:
        raise Skipped("node is not installed; scripts/setup installs it")
    if not (pathlib.Path(stage.args.packages) / "node_modules" / package).is_dir():
        raise Skipped(f"{package} is not installed; the test Interop.InstallsItsPackages says why")
    return ["env", f"FLOE_NODE_PACKAGES={stage.args.packages}", f"TMPDIR={stage.folder}", program]


def need_an_address():
    """Libraries gather no loopback addresses, so they need another one, of whatever network."""
    shown = subprocess.run(["hostname", "-I"], stdout=subprocess.PIPE, check=False)
    if not shown.stdout.split():
        raise Skipped("this machine has no address but loopback's, which WebRTC libraries do not use")


def library(package, entry=""):
    def command(stage):
        need_an_address()
        return [*node(stage, package), HERE / "node_peer.mjs", package + entry]
    return command


def browser(name):
    def command(stage):
        executable = next(filter(None, map(shutil.which, EXECUTABLES[name])), None)
        if executable is None:
            raise Skipped(f"{name} is not installed; scripts/setup installs it")
        return [*node(stage, "puppeteer-core"), HERE / "browser_peer.mjs", name, executable]
    return command


def aiortc(stage):
    need_an_address()
    # Debian's packages are Debian's Python's, which need not be the first in the path.
    for python in ("/usr/bin/python3", "python3"):
        if subprocess.run([python, "-c", "import aiortc"], stderr=subprocess.DEVNULL, check=False).returncode == 0:
            return [python, "-B", HERE / "aiortc_peer.py"]
    raise Skipped("aiortc (python3-aiortc) is not installed; scripts/setup installs it")


CHROMIUM = Other("chromium", browser("chromium"), hides_addresses=True, sends=256 * 1024)
FIREFOX = Other("firefox", browser("firefox"), hides_addresses=True)
WRTC = Other("wrtc", library("@roamhq/wrtc"), sends=256 * 1024, reuses_ids=False, gives_way=False)
NODE_DATACHANNEL = Other("node_datachannel", library("node-datachannel", "/polyfill"), restarts=False, has_media=False,
                         sends=256 * 1024, says_goodbye=False, sees_options=False)
WERIFT = Other("werift", library("werift"), has_media=False, any_label=False, tells_options=False, sends_empty=False,
               says_goodbye=False)
AIORTC = Other("aiortc", aiortc, restarts=False, rolls_back=False, any_label=False)

BROWSERS = (CHROMIUM, FIREFOX)
LIBRARIES = (WRTC, NODE_DATACHANNEL, WERIFT, AIORTC)
