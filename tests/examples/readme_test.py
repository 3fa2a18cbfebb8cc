"""The README's example is examples/readme/main.cc to the letter, and it says what the README says."""

import pathlib
import re
import subprocess
import sys

root = pathlib.Path(sys.argv[1])
program = sys.argv[2]

shown = re.search(r"```cpp\n(.*?)```", (root / "README.md").read_text(), re.S)
if shown is None:
    sys.exit("README.md shows no C++ example")
if shown.group(1) != (root / "examples/readme/main.cc").read_text():
    sys.exit("README.md's example is not examples/readme/main.cc: copy one over the other")
said = subprocess.run([program], capture_output=True, text=True, timeout=60, check=True).stdout
if said != "bob got: hello from behind a NAT\n":
    sys.exit(f"the README's example said {said!r}")
