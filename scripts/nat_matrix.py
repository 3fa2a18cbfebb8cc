#!/usr/bin/env python3
"""Makes one JSON file and one web page of what the NAT matrix's test wrote down.

  nat_matrix.py FOLDER JSON HTML   FOLDER has one file for each row of the matrix

The JSON is an array with an object for each cell: the two sides, what the oracle expected, what was seen. Prints a line for people, and fails if a cell is missing or disagrees with the oracle.
"""

import json
import pathlib
import sys


def read(folder):
    rows = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
    sides = sorted((row for row in rows if "order" in row), key=lambda row: row["order"])
    # The rows of a shared NAT from the closest to the farthest, with hairpinning before without.
    placements = ("same-lan", "routed-lans", "isolated-lans")
    shared = sorted((row for row in rows if "order" not in row),
                    key=lambda row: (placements.index(row["cells"][0]["placement"]), not row["cells"][0]["hairpin"]))
    return {
        "sides": [{"name": row["row"], "title": row["title"], "about": row["about"]} for row in sides],
        "cells": [cell for row in sides + shared for cell in row["cells"]],
    }


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    folder, json_path, page_path = map(pathlib.Path, sys.argv[1:])
    matrix = read(folder)
    cells = matrix["cells"]
    apart = [cell for cell in cells if cell["placement"] == "apart"]
    conditions = len({(cell["turn"], cell["loss"]) for cell in cells})
    if len(apart) != len(matrix["sides"]) ** 2 * conditions or not apart:
        sys.exit(f"nat-matrix: {folder} does not hold every row: run the whole test first")
    lines = ",\n".join(json.dumps(cell, separators=(",", ":"), ensure_ascii=False) for cell in cells)
    json_path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    text = json.dumps(matrix, separators=(",", ":"), ensure_ascii=False)
    template = pathlib.Path(__file__).with_name("nat_matrix.html").read_text(encoding="utf-8")
    # "</" would end the page's script.
    page_path.write_text(template.replace("/*DATA*/null", text.replace("</", "<\\/")), encoding="utf-8")
    agreeing = sum(cell["agrees"] for cell in cells)
    print(f"nat-matrix: {agreeing} of {len(cells)} cells agree with the oracle; see {page_path}")
    return 0 if agreeing == len(cells) else 1


if __name__ == "__main__":
    sys.exit(main())
