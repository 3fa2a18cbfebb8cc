#!/usr/bin/env python3
"""Runs the examples in C, as they stand.

  examples_test.py --root ROOT --chat PROGRAM --readme PROGRAM TEST   runs one test
  examples_test.py --list                                             prints the names of the tests
"""

import argparse
import pathlib
import re
import subprocess
import sys


def run(program):
    return subprocess.run([program], capture_output=True, text=True, timeout=60, check=True).stdout


def chat_exchanges_a_word_each_way(args):
    said = run(args.chat).splitlines()
    expected = ["bob got text: hello from C", "alice got text: hello yourself", "alice: channel is closed",
                "bob: channel is closed"]
    if [line for line in said if line in expected] != expected:
        sys.exit(f"the chat said {said}")


def readme_shows_an_example_in_c_that_runs(args):
    shown = re.search(r"```c\n(.*?)```", (args.root / "README.md").read_text(), re.DOTALL)
    if shown is None:
        sys.exit("README.md shows no C example")
    if shown.group(1) != (args.root / "examples/readme/main.c").read_text():
        sys.exit("README.md's example is not examples/readme/main.c: copy one over the other")
    offer = run(args.readme)
    for line in ("v=0", "m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "a=end-of-candidates"):
        if line not in offer.splitlines():
            sys.exit(f"the README's example in C gave no {line}: {offer!r}")


TESTS = {"ChatExchangesAWordEachWay": chat_exchanges_a_word_each_way,
         "ReadmeShowsAnExampleInCThatRuns": readme_shows_an_example_in_c_that_runs}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", type=pathlib.Path)
    parser.add_argument("--chat")
    parser.add_argument("--readme")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("test", nargs="?")
    args = parser.parse_args()
    if args.list:
        print("\n".join(TESTS))
    else:
        TESTS[args.test](args)


main()
