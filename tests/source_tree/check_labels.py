#!/usr/bin/env python3
"""check_labels.py CTEST BUILD: every test of BUILD has exactly one of the known labels and a name of its own."""

import collections
import json
import subprocess
import sys

LABELS = {"unit", "sim", "uv", "netns", "interop", "fuzz", "package"}


def problems(tests):
    for name, count in collections.Counter(test["name"] for test in tests).items():
        if count > 1:
            yield f"{name}: {count} tests have this name"
    for test in tests:
        # The place of tests whose executable this build did not make.
        if test["name"].endswith("_NOT_BUILT"):
            continue
        labels = [label for entry in test.get("properties", []) if entry["name"] == "LABELS" for label in entry["value"]]
        if len(labels) != 1 or labels[0] not in LABELS:
            yield f"{test['name']}: its labels are {labels}; it needs one of {', '.join(sorted(LABELS))}"


def check_myself():
    def one(name, *labels):
        return {"name": name, "properties": [{"name": "LABELS", "value": list(labels)}]}
    assert not list(problems([one("a", "unit"), one("b", "sim"), {"name": "c_NOT_BUILT"}]))
    for bad in ([one("a", "unit", "sim")], [one("a", "other")], [{"name": "a"}], [one("a", "uv"), one("a", "uv")]):
        assert len(list(problems(bad))) == 1, bad


check_myself()
ctest, build = sys.argv[1:]
shown = subprocess.run([ctest, "--test-dir", build, "--show-only=json-v1"], check=True, stdout=subprocess.PIPE)
tests = json.loads(shown.stdout)["tests"]
found = list(problems(tests))
print("\n".join(found) if found else f"{len(tests)} tests, each with one label")
sys.exit(1 if found or not tests else 0)
