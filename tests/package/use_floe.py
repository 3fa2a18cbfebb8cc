#!/usr/bin/env python3
"""Uses floe the way its users do and fails if any step does.

  use_floe.py ... installed BUILD   install BUILD somewhere, move it, then find it with CMake and with pkg-config
  use_floe.py ... subdirectory      build floe as shared libraries inside the consumer's own project
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys

FOLDERS = ("core", "crypto", "net", "stun_client", "dtls", "tls", "turn_client", "mdns", "http", "port_mapping",
           "ice", "sctp", "srtp", "rtp", "sdp", "peer", "whip", "capi", "servers")


def run(*command, **options):
    print("+", *command, flush=True)
    subprocess.run([str(part) for part in command], check=True, **options)


def fail(message):
    sys.exit("FAILED: " + message)


def configure(args, consumer, build, *definitions):
    run(args.cmake, "-S", args.source / "tests/package" / consumer, "-B", build, "-G", args.generator,
        f"-DCMAKE_C_COMPILER={args.c_compiler}", f"-DCMAKE_CXX_COMPILER={args.compiler}",
        f"-DCMAKE_CXX_COMPILER_LAUNCHER={args.launcher}",
        "-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_CXX_FLAGS_DEBUG=-O0", *definitions)
    run(args.cmake, "--build", build)


def check_headers(args, prefix):
    """Exactly the public headers: every .h of the library's folders outside of `internal`."""
    expected = {path.relative_to(args.source) for folder in FOLDERS for path in (args.source / folder).rglob("*.h")
                if "internal" not in path.parts}
    # The one that C programs include is <floe.h>.
    expected.remove(pathlib.Path("capi/floe.h"))
    if not (prefix / "include/floe.h").is_file():
        fail("floe.h was not installed")
    root = prefix / "include/floe"
    found = {path.relative_to(root) for path in root.rglob("*") if path.is_file()}
    for path in sorted(expected ^ found):
        print("not installed:" if path in expected else "should not be installed:", path)
    if expected != found:
        fail("the installed headers are not the public ones")


def check_is_movable(args, prefix, staging, build):
    """A package that names the place it was built or staged in works on one machine only."""
    texts = [*prefix.rglob("*.cmake"), *prefix.rglob("*.pc")]
    if not texts:
        fail("no CMake package was installed")
    for text in texts:
        for place in (args.source, staging, build):
            if str(place) in text.read_text():
                fail(f"{text} names {place}")


def pkg_config(prefix, package, *what):
    env = dict(os.environ, PKG_CONFIG_PATH=str(next(prefix.rglob("floe.pc")).parent))
    done = subprocess.run(["pkg-config", *what, package], check=True, env=env, stdout=subprocess.PIPE, text=True)
    return done.stdout.split()


def use_installed(args):
    staging, prefix = args.work / "staging", args.work / "prefix"
    run(args.cmake, "--install", args.build, "--prefix", staging, stdout=subprocess.DEVNULL)
    staging.rename(prefix)
    check_headers(args, prefix)
    check_is_movable(args, prefix, staging, args.build)

    build = args.work / "build"
    configure(args, "consumer", build, f"-DCMAKE_PREFIX_PATH={prefix}")
    run(build / "consumer")
    configure(args, "c_consumer", args.work / "c-build", f"-DCMAKE_PREFIX_PATH={prefix}")
    run(args.work / "c-build/c_consumer")

    program = args.work / "consumer-by-pkg-config"
    library = next(prefix.rglob("libfloe_core.*")).parent
    run(args.compiler, "-std=c++20", *pkg_config(prefix, "floe", "--cflags"),
        args.source / "tests/package/consumer/main.cc", "-o", program, *pkg_config(prefix, "floe", "--libs"),
        f"-Wl,-rpath,{library}")
    run(program)
    program = args.work / "c-consumer-by-pkg-config"
    run(args.c_compiler, "-std=c11", *pkg_config(prefix, "floe-c", "--cflags"),
        args.source / "tests/package/c_consumer/main.c", "-o", program, *pkg_config(prefix, "floe-c", "--libs"),
        f"-Wl,-rpath,{library}")
    run(program)

    # Built as part of another project, floe has no programs.
    expected = {"floe-ice", "floe-signal", "floe-turn", "floe-whip"} if (args.build / "servers/floe-turn").exists() else set()
    programs = sorted((prefix / "bin").glob("*"))
    if {program.name for program in programs} != expected:
        fail(f"bin has {programs}, not {sorted(expected)}")
    for program in programs:
        # A program that cannot find its libraries fails before it can print its help.
        run(program, "--help", stdout=subprocess.DEVNULL)


def use_subdirectory(args):
    build = args.work / "build"
    configure(args, "consumer", build, f"-DFLOE_TREE={args.source}", "-DBUILD_SHARED_LIBS=ON", "-DFLOE_WERROR=ON",
              "-DFLOE_INSTALL=ON")
    run(build / "consumer")
    # A shared library shows what it exports: the C API and nothing else.
    run(sys.executable, "-B", args.source / "tests/capi/abi_test.py", "--source", args.source,
        "--nm", "nm", "--library", build / "floe/capi/libfloe_c.so", "ExportsTheFunctionsThatAreListedAndNoOthers")


def main():
    parser = argparse.ArgumentParser()
    for name in ("cmake", "source", "generator", "compiler", "c-compiler", "launcher", "work"):
        parser.add_argument("--" + name, required=True)
    modes = parser.add_subparsers(required=True)
    installed = modes.add_parser("installed")
    installed.add_argument("build", type=pathlib.Path)
    installed.set_defaults(use=use_installed)
    modes.add_parser("subdirectory").set_defaults(use=use_subdirectory)
    args = parser.parse_args()
    args.source, args.work = pathlib.Path(args.source), pathlib.Path(args.work)

    shutil.rmtree(args.work, ignore_errors=True)
    args.work.mkdir(parents=True)
    args.use(args)


main()
