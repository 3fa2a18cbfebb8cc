"""What every test of running programs needs: the programs of one test, a folder, and an end to all of them.

A file of tests makes `tests = Tests(__doc__)`, marks functions with `@tests.add`, and ends with `sys.exit(tests.run())`.
Its command line: FLAGS of the file's own, then --list for the tests' names or one test's name.
"""

import argparse
import contextlib
import pathlib
import subprocess
import tempfile

from programs import Failed, Program

SKIPPED = 77  # What ctest is told by SKIP_RETURN_CODE.


class Skipped(Exception):
    """Something that is not part of floe is missing here."""


class Stage:
    def __init__(self, args, folder, stack):
        self.args = args
        self.folder = pathlib.Path(folder)
        self.stack = stack  # What a test enters here is left at its end.
        self.programs = []

    def start(self, name, *command, **options):
        program = Program(name, *command, **options)
        self.programs.append(program)
        return program

    def signal(self, *flags):
        """Starts floe-signal; the URL of its signalling and the endpoint of its STUN server."""
        server = self.start("floe-signal", self.args.signal, "--port", 0, "--stun-port", 0, *flags)
        signaling = server.expect("^signaling ws://").split()[1]
        return signaling, server.expect("^stun ").split()[1]

    def turn(self, *flags):
        """Starts floe-turn with the user ann, password secret; its UDP and its TCP endpoint."""
        server = self.start("floe-turn", self.args.turn, "--listen", "127.0.0.1", "--port", 0, "--user", "ann:secret",
                            *flags)
        server.expect("^ready$")
        return server.expect("^udp ").split()[1], server.expect("^tcp ").split()[1]


class Tests:
    def __init__(self, about, stage=Stage):
        self.about = about
        self.stage = stage
        self.tests = {}

    def add(self, function):
        self.tests["".join(word.capitalize() for word in function.__name__.split("_"))] = function
        return function

    def run(self, *flags):
        parser = argparse.ArgumentParser(description=self.about, formatter_class=argparse.RawDescriptionHelpFormatter)
        for flag in flags:
            parser.add_argument(flag, default="")
        parser.add_argument("--list", action="store_true")
        parser.add_argument("test", nargs="?", choices=sorted(self.tests))
        args = parser.parse_args()
        if args.list:
            print("\n".join(self.tests))
            return 0
        if args.test is None:
            parser.error("name a test; --list shows them")
        with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
            stage = self.stage(args, folder, stack)
            stack.callback(lambda: [program.stop() for program in stage.programs])
            try:
                self.tests[args.test](stage)
            except Skipped as reason:
                print(f"skipped: {reason}")
                return SKIPPED
            except (Failed, OSError, ValueError, subprocess.SubprocessError) as failure:
                print("\n".join(program.transcript() for program in stage.programs))
                print(f"FAILED: {failure!r}")
                return 1
        return 0


def check(truth, what):
    if not truth:
        raise Failed(what)
