#!/usr/bin/env python3
"""install_packages.py SOURCE FOLDER: installs the packages of SOURCE/package-lock.json into FOLDER/node_modules.

Does nothing if they are there already. Exit code 77: npm or the registry is not there.
"""

import pathlib
import re
import shutil
import subprocess
import sys

SKIPPED = 77
FEW_RETRIES = ("--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=2000")
FILES = ("package.json", "package-lock.json")
NO_NETWORK = re.compile(
    r"\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|EHOSTUNREACH|ETIMEDOUT|ERR_SOCKET_TIMEOUT|E403|E429|E5\d\d)\b")


def main():
    source, folder = map(pathlib.Path, sys.argv[1:])
    lock, installed = source / FILES[1], folder / "installed-package-lock.json"
    if installed.exists() and installed.read_bytes() == lock.read_bytes():
        print("all packages are installed")
        return 0
    npm = shutil.which("npm")
    if npm is None:
        print("skipped: npm is not installed; scripts/setup installs it")
        return SKIPPED
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copy(source / name, folder / name)
    run = subprocess.run([npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts", *FEW_RETRIES], cwd=folder, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    print(run.stdout)
    if run.returncode != 0:
        if NO_NETWORK.search(run.stdout):
            print("skipped: npm cannot reach the registry")
            return SKIPPED
        return 1
    shutil.copy(lock, installed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
