#!/usr/bin/env python3
"""behaviours.py LIST CTEST BUILD: every behaviour that LIST numbers has a test, and every test it names exists in BUILD.

A test's name may hold the wildcards of the shell, for tests with parameters.
"""

import fnmatch
import json
import re
import subprocess
import sys

ROW = re.compile(r"# ([A-Z]\d+): ")
TEST = re.compile(r"([A-Z]\d+) (\S+)$")


def problems(text, tests):
    rows = {}
    for number, line in enumerate(text.splitlines(), 1):
        if row := ROW.match(line):
            rows[row[1]] = 0
        elif named := TEST.match(line):
            if named[1] not in rows:
                yield f"line {number}: no row above is called {named[1]}"
                continue
            rows[named[1]] += 1
            if not fnmatch.filter(tests, named[2]):
                yield f"line {number}: there is no test {named[2]}"
        elif line and not line.startswith("#"):
            yield f"line {number} is neither a row nor a row's test: {line}"
    yield from (f"{row} has no test" for row, count in rows.items() if count == 0)


def check_myself():
    good = "# A1: it works\nA1 Suite.Works\nA1 All/Suite.Each/*\n"
    assert not list(problems(good, ["Suite.Works", "All/Suite.Each/0"]))
    for bad in ("# A1: it works\n", "A1 Suite.Works\n", "# A1: it works\nA1 Suite.Gone\n", good + "what\n"):
        assert len(list(problems(bad, ["Suite.Works", "All/Suite.Each/0"]))) == 1, bad


check_myself()
listed, ctest, build = sys.argv[1:]
shown = subprocess.run([ctest, "--test-dir", build, "--show-only=json-v1"], check=True, stdout=subprocess.PIPE)
with open(listed, encoding="utf-8") as file:
    found = list(problems(file.read(), [test["name"] for test in json.loads(shown.stdout)["tests"]]))
print("\n".join(found) if found else "every behaviour has a test")
sys.exit(1 if found else 0)
