#!/usr/bin/env python3
"""hello_sim_test.py PROGRAM: it works, through the NATs, and twice in the same way."""

import subprocess
import sys

first, second = (subprocess.run([sys.argv[1]], check=True, stdout=subprocess.PIPE, timeout=60).stdout.decode()
                 for _ in range(2))
print(first)
assert 'bob heard "hello bob"' in first, "bob heard nothing"
assert 'alice heard "hello alice"' in first, "alice heard nothing"
assert "srflx" in first or "prflx" in first, "no NAT was on the way"
assert first == second, "the second run went otherwise:\n" + second
