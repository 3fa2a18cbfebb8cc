#!/usr/bin/env python3
"""Makes one web page of the curves that the test of congestion control wrote down.

  congestion_curves.py FOLDER HTML   FOLDER has one file for each network

Prints a line for people, and fails if a network left its bounds.
"""

import json
import pathlib
import sys

GROUPS = ("alone", "drop", "bursts", "shallow", "media", "tcp")


def holds(scenario):
    """What the test checks: see Bounds in tests/congestion/scenario.h."""
    bounds, seen = scenario["bounds"], scenario["seen"]
    return (bounds["least_use"] <= seen["use"] <= bounds["most_use"]
            and seen["worst_second"] >= bounds["worst_second"]
            and int(seen["queue"]) <= bounds["queue"]
            and seen.get("rival", 0) >= bounds.get("rival", 0)
            and seen.get("settled", float("inf")) <= bounds["settled"]
            and seen.get("drained", 0) <= bounds.get("drained", 0)
            and ("recovered" not in bounds or seen.get("recovered", float("inf")) <= bounds["recovered"]))


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    folder, page_path = map(pathlib.Path, sys.argv[1:])
    scenarios = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")]
    if not scenarios:
        sys.exit(f"congestion-curves: {folder} has no curves: run congestion_sim_test first")
    scenarios.sort(key=lambda one: (GROUPS.index(one["group"]), one["capacity"], one["round_trip"], one["chance_of_loss"]))
    for scenario in scenarios:
        scenario["holds"] = holds(scenario)
    text = json.dumps(scenarios, separators=(",", ":"), ensure_ascii=False)
    template = pathlib.Path(__file__).with_name("congestion_curves.html").read_text(encoding="utf-8")
    # "</" would end the page's script.
    page_path.write_text(template.replace("/*DATA*/null", text.replace("</", "<\\/")), encoding="utf-8")
    holding = sum(scenario["holds"] for scenario in scenarios)
    print(f"congestion-curves: {holding} of {len(scenarios)} networks within their bounds; see {page_path}")
    return 0 if holding == len(scenarios) else 1


if __name__ == "__main__":
    sys.exit(main())
