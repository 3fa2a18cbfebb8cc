#!/usr/bin/env python3
"""results.py JUNIT: prints the output of each test that failed, then "PASSED FAILED SKIPPED" as the last line.

No test at all counts as one failure: something that should have run them is broken.
"""

import sys
import xml.etree.ElementTree

LAST_LINES = 80


def outcome(case):
    if case.get("status") == "run":
        return "passed"
    skipped = case.find("skipped")
    # CTest also calls a test "skipped" that should have run but has no executable: that is a failure.
    if skipped is not None and skipped.get("message") != "Unable to find executable":
        return "skipped"
    return "skipped" if case.get("status") == "disabled" else "failed"


counts = {"passed": 0, "failed": 0, "skipped": 0}
for case in xml.etree.ElementTree.parse(sys.argv[1]).getroot().iter("testcase"):
    kind = outcome(case)
    counts[kind] += 1
    if kind != "passed":
        print(f"-- {case.get('name')}: {kind}")
    if kind == "failed":
        print("\n".join((case.findtext("system-out") or "").rstrip().split("\n")[-LAST_LINES:]))
if not sum(counts.values()):
    print("-- there was no test to run")
    counts["failed"] = 1
print(*counts.values())
