#!/usr/bin/env python3
"""floe's peer_stdio with browsers: whole conversations over this machine's own addresses.

  browser_test.py FLAGS TEST   runs one test; exit code 77: what it needs is not installed
  browser_test.py --list       prints the names of the tests
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "examples"))

from every_peer import add_to  # noqa: E402
from other_peers import BROWSERS  # noqa: E402
from stage import Tests  # noqa: E402

tests = Tests(__doc__)
add_to(tests, BROWSERS)

if __name__ == "__main__":
    sys.exit(tests.run("--peer", "--packages"))
