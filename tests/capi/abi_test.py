#!/usr/bin/env python3
"""Keeps the C API's ABI what capi/floe.symbols and capi/floe.layout say, so that a change is deliberate.

  abi_test.py --source ROOT --include DIR --cc CC --nm NM --library LIB TEST     runs one test
  abi_test.py --list                                                            prints the names of the tests
  abi_test.py ... --update                                                      writes both lists anew

The lists may grow. What they have may not change: programs that were compiled before depend on it.
"""

import argparse
import pathlib
import platform
import re
import subprocess
import sys
import tempfile

SKIPPED = 77
TESTS = {}


def test(function):
    TESTS["".join(word.capitalize() for word in function.__name__.split("_"))] = function
    return function


def fail(message):
    sys.exit("FAILED: " + message)


def compare(path, found):
    """`found` is what `path` lists, line by line."""
    listed = path.read_text().splitlines()
    wrong = [f"- {line}" for line in listed if line not in found] + [f"+ {line}" for line in found if line not in listed]
    if wrong:
        fail(f"{path.name} differs from what is there:\n" + "\n".join(wrong) +
             "\nAdding is allowed: run this again with --update. Changing breaks programs that exist.")
    if listed != found:
        fail(f"{path.name} is in another order: run this again with --update")


class Api:
    def __init__(self, args):
        self.args = args
        self.folder = pathlib.Path(args.source) / "capi"
        self.symbols = self.folder / "floe.symbols"
        self.layout = self.folder / "floe.layout"
        headers = sorted(self.folder.glob("*.h"))
        self.text = re.sub(r"//[^\n]*|/\*.*?\*/", "", "\n".join(path.read_text() for path in headers), flags=re.DOTALL)

    def declared(self):
        return sorted(re.findall(r"FLOE_API\s[^;(]*?\b(floe_\w+)\(", self.text))

    def exported(self):
        """The functions of the library that a C program sees; those of C++ have mangled names."""
        shared = ".so" in pathlib.Path(self.args.library).name
        command = [self.args.nm, "--defined-only", "--dynamic" if shared else "--extern-only", self.args.library]
        out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        names = re.findall(r"^[0-9a-f]+ [A-Z] (\w+)$", out, re.MULTILINE)
        return sorted(name for name in names if not name.startswith("_"))

    def enumerators(self):
        for body in re.findall(r"typedef enum \w+ FLOE_AS_INT \{(.*?)\}", self.text, re.DOTALL):
            yield from re.findall(r"\b(FLOE_\w+)\s*=", body)

    def structs(self):
        """(name, its members) of each struct that is not opaque."""
        for name, body in re.findall(r"typedef struct (\w+) \{(.*?)^\}", self.text, re.DOTALL | re.MULTILINE):
            members = []
            for member in body.split(";"):
                found = re.search(r"\(\*(\w+)\)|(\w+)\s*$", member.strip())
                if found:
                    members.append(found.group(1) or found.group(2))
            yield name, members

    def compile(self, folder, source):
        program = pathlib.Path(folder, "program")
        source_path = pathlib.Path(folder, "program.c")
        source_path.write_text(source)
        subprocess.run([self.args.cc, "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I", self.args.include,
                        source_path, "-o", program], check=True)
        return program

    def measured(self):
        """The layout as a C compiler sees it."""
        lines = ["#include <floe.h>", "#include <stdio.h>", "int main(void) {"]
        for name, members in self.structs():
            lines.append(f'  printf("%s size %zu\\n", "{name}", sizeof({name}));')
            for member in members:
                lines.append(f'  printf("%s.%s at %zu, %zu\\n", "{name}", "{member}", offsetof({name}, {member}), '
                             f"sizeof((({name}*)0)->{member}));")
        for name in self.enumerators():
            lines.append(f'  printf("%s = %d\\n", "{name}", {name});')
        lines += ["  return 0;", "}"]
        with tempfile.TemporaryDirectory() as folder:
            program = self.compile(folder, "\n".join(lines) + "\n")
            out = subprocess.run([program], check=True, stdout=subprocess.PIPE, text=True).stdout
        return sorted(out.splitlines())


@test
def exports_the_functions_that_are_listed_and_no_others(api):
    compare(api.symbols, api.exported())


@test
def exports_what_the_headers_declare(api):
    if api.declared() != api.exported():
        fail(f"declared or exported only: {sorted(set(api.declared()) ^ set(api.exported()))}")


@test
def has_structs_and_enumerators_laid_out_as_listed(api):
    if platform.machine() not in ("x86_64", "aarch64") or sys.maxsize < 2**32:
        print("capi/floe.layout is that of 64-bit machines")
        sys.exit(SKIPPED)
    measured = api.measured()
    if len(measured) < 100 or not any(line.startswith("floe_configuration.mtu at") for line in measured):
        fail(f"only {len(measured)} lines: the headers were not read as they should be")
    compare(api.layout, measured)


@test
def has_a_test_in_c_for_every_function(api):
    tests = "\n".join(path.read_text() for path in (pathlib.Path(api.args.source) / "tests/capi").glob("*.c"))
    called = set(re.findall(r"\b(floe_\w+)\(", tests))
    untested = [name for name in api.declared() if name not in called]
    if untested or not called:
        fail(f"tests/capi/*.c never calls {', '.join(untested)}")


@test
def has_headers_that_each_compile_alone_as_c(api):
    for header in sorted(api.folder.glob("*.h")):
        name = "floe.h" if header.name == "floe.h" else f"floe/capi/{header.name}"
        with tempfile.TemporaryDirectory() as folder:
            api.compile(folder, f"#include <{name}>\n#include <{name}>\nint main(void) {{\n  return 0;\n}}\n")


def main():
    parser = argparse.ArgumentParser()
    for name in ("source", "include", "cc", "nm", "library"):
        parser.add_argument("--" + name)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("test", nargs="?")
    args = parser.parse_args()
    if args.list:
        print("\n".join(TESTS))
        return
    api = Api(args)
    if args.update:
        api.symbols.write_text("\n".join(api.exported()) + "\n")
        api.layout.write_text("\n".join(api.measured()) + "\n")
        return
    TESTS[args.test](api)


main()
