#!/usr/bin/env python3
"""Checks rules of the source tree that no compiler checks.

  check.py [--root DIR] [RULE...]   runs the rules named, or all; prints each violation and fails if there is one
  check.py --list                   prints the names of the rules
"""

import argparse
import functools
import pathlib
import re
import sys

# The arrows: what a folder of the library may include. ARCHITECTURE.md draws them.
ARROWS = {
    "core": (),
    "crypto": ("core",),
    "net": ("core",),
    "net/uv": ("core", "net", "crypto"),
    "net/sim": ("core", "net"),
    "stun_client": ("core", "net", "crypto"),
    "dtls": ("core", "crypto"),
    "tls": ("core", "net", "crypto", "dtls"),
    "turn_client": ("core", "net", "crypto", "stun_client"),
    "mdns": ("core", "net"),
    "http": ("core", "net", "dtls", "tls"),
    "port_mapping": ("core", "net"),
    "ice": ("core", "net", "crypto", "stun_client", "dtls", "tls", "turn_client", "mdns", "port_mapping"),
    "sctp": ("core", "crypto"),
    "srtp": ("core", "crypto"),
    "rtp": ("core", "rtp/congestion"),
    "rtp/congestion": ("core",),
    "sdp": ("core",),
    "peer": ("core", "net", "crypto", "stun_client", "dtls", "tls", "turn_client", "mdns", "port_mapping", "ice", "sctp",
             "srtp", "rtp", "rtp/congestion", "sdp"),
    "whip": ("core", "net", "dtls", "tls", "http", "ice", "sdp", "srtp", "rtp", "rtp/congestion", "peer"),
    "capi": ("core", "net", "net/uv", "crypto", "stun_client", "dtls", "tls", "turn_client", "mdns", "port_mapping", "ice",
             "sctp", "srtp", "rtp", "rtp/congestion", "sdp", "peer"),
    "servers": ("core", "net", "crypto", "stun_client", "dtls", "tls"),
}
# The target that a folder is, where it is not called as the folder.
TARGETS = {"net/uv": "uv", "net/sim": "sim", "rtp/congestion": "congestion", "capi": "c"}

# Where a third-party header may be included at all, and in how many sources at most.
THIRD_PARTY = (
    (r"tl/expected\.hpp", ("core/result.h",), 1),
    (r"uv\.h|uv/.*", ("net/uv", "servers"), 0),
    (r"openssl/.*", ("crypto", "dtls", "tls"), 0),
    (r"usrsctp\.h", ("sctp",), 1),
    (r"srtp2/.*", ("srtp",), 1),
    (r"libwebsockets\.h", ("servers",), 1),
    (r"(nlohmann|spdlog|fmt|CLI)/.*", ("servers",), 0),
    # CRC32c is an instruction of the CPU.
    (r"(nmmintrin|immintrin|cpuid|arm_acle)\.h|sys/auxv\.h|asm/hwcap\.h", ("crypto",), 1),
    # The timeval of DTLSv1_get_timeout.
    (r"sys/time\.h", ("dtls", "net/uv", "net/sim/system_clock.cc", "sctp"), 0),
    # C programs see it, so it must say what `bool` and `size_t` are.
    (r"std(bool|def|int)\.h", ("capi/error.h",), 1),
    # What else ends in .h is the operating system's.
    (r".*\.h", ("net/uv", "net/sim/system_clock.cc", "sctp"), 0),
)

MAX_LINES = 600
VAGUE_WORDS = frozenset("manager managers helper helpers util utils impl impls".split())
SOURCE = (".cc", ".c", ".h")
# No program or test data: these folders hold bytes, not text of ours.
SKIPPED = ("build", ".git", ".cache", "node_modules", "__pycache__", "corpus", "vectors")
TEXT = (".cc", ".c", ".h", ".py", ".js", ".mjs", ".json", ".html", ".css", ".sh", ".md", ".txt", ".cmake", ".in", ".yml", "")

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.MULTILINE)
COMMENT_OR_LITERAL = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<mark>[^(\s]*)\(.*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*"'
    r"|'(?:\\[^\n']{1,8}|\\'|[^'\\\n])'", re.DOTALL)


class File:
    def __init__(self, root, path):
        self.path = path.relative_to(root).as_posix()
        self.absolute = path
        self.suffix = path.suffix
        self.name = path.name

    @functools.cached_property
    def text(self):
        return self.absolute.read_text(encoding="utf-8", errors="replace")

    @functools.cached_property
    def code(self):
        """The text without comments and without what stands in literals; lines stay where they are."""
        def blank(match):
            quote = match.group(0)[0] if match.group(0)[0] in "\"'R" else ""
            return ('""' if quote else " ") + "\n" * match.group(0).count("\n")
        return COMMENT_OR_LITERAL.sub(blank, self.text)

    @functools.cached_property
    def includes(self):
        """(line, is in quotes, name) of each #include."""
        return [(line_of(self.text, match.start(2)), match.group(1) == '"', match.group(2))
                for match in INCLUDE.finditer(self.text)]

    @functools.cached_property
    def is_program(self):
        return self.suffix in (".cc", ".c") and re.search(r"^int main\(", self.text, re.MULTILINE) is not None

    @functools.cached_property
    def folder(self):
        """The library's folder this stands in, or None."""
        return folder_of(self.path)

    def under(self, *places):
        return any(self.path == place or self.path.startswith(place + "/") for place in places)


def folder_of(path):
    for folder in sorted(ARROWS, key=len, reverse=True):
        if path.startswith(folder + "/"):
            return folder
    return None


def line_of(text, position):
    return text.count("\n", 0, position) + 1


class Tree:
    def __init__(self, root):
        self.root = root
        self.files = [File(root, path) for path in sorted(self.walk(root))]
        self.sources = [file for file in self.files if file.suffix in SOURCE]
        # Programs are users of the library: the arrows bind what is linked into other people's programs.
        self.library = [file for file in self.sources if file.folder and not file.is_program]

    def walk(self, folder):
        for path in folder.iterdir():
            if path.is_symlink() or path.name in SKIPPED:
                continue
            if path.is_dir():
                yield from self.walk(path)
            elif path.suffix in TEXT:
                yield path


RULES = {}


def rule(function):
    RULES["".join(word.capitalize() for word in function.__name__.split("_"))] = function
    return function


def each_match(files, pattern, text=lambda file: file.code):
    for file in files:
        for match in re.finditer(pattern, text(file)):
            yield file, line_of(text(file), match.start()), match.group(0).strip()


@rule
def includes_follow_the_arrows(tree):
    for file in tree.library:
        allowed = (file.folder, *ARROWS[file.folder])
        for line, _, name in file.includes:
            if name.startswith("floe/") and folder_of(name.removeprefix("floe/")) not in allowed:
                yield f"{file.path}:{line}: {file.folder} may not use {name}"


@rule
def link_lines_cover_the_includes(tree):
    links, owners, folders = {}, {}, {}
    for file in tree.files:
        if file.name != "CMakeLists.txt":
            continue
        folder = pathlib.PurePosixPath(file.path).parent
        for match in re.finditer(r"floe_library\(\s*(\w+)([^)]*)\)", re.sub(r"#[^\n]*", "", file.text)):
            section = ""
            links[match.group(1)] = set()
            folders.setdefault(folder, []).append(match.group(1))
            for word in match.group(2).split():
                if word in ("SOURCES", "LINK", "PRIVATE_LINK"):
                    section = word
                elif section == "SOURCES":
                    owners[(folder / word).as_posix()] = match.group(1)
                elif word.startswith("floe::"):
                    links[match.group(1)].add(word.removeprefix("floe::"))

    def owner_of(path):
        """The library that names the source, or its header's source, else the only one of the nearest folder."""
        named = owners.get(re.sub(r"\.h$", ".cc", path))
        for folder in () if named else pathlib.PurePosixPath(path).parents:
            if folder in folders:
                return folders[folder][0] if len(folders[folder]) == 1 else None
        return named

    def reachable(target):
        found, todo = set(), [target]
        while todo:
            next_target = todo.pop()
            if next_target not in found:
                found.add(next_target)
                todo.extend(links.get(next_target, ()))
        return found

    for file in tree.library:
        target = owner_of(file.path)
        if target is None:
            continue
        covered = reachable(target)
        for line, _, name in file.includes:
            folder = folder_of(name.removeprefix("floe/")) if name.startswith("floe/") else None
            if folder and folder != file.folder and TARGETS.get(folder, folder) not in covered:
                yield f"{file.path}:{line}: floe::{target} includes {name} but does not link its library"


@rule
def includes_name_files_of_the_tree(tree):
    for file in tree.sources:
        for line, quoted, name in file.includes:
            if name.startswith("floe/"):
                if not (tree.root / name.removeprefix("floe/")).is_file():
                    yield f"{file.path}:{line}: there is no {name}"
            elif quoted and file.folder:
                yield f'{file.path}:{line}: write "floe/<folder>/{name}"'


@rule
def third_party_headers_stay_where_they_belong(tree):
    users = {}
    for file in tree.library:
        for line, _, name in file.includes:
            if name.startswith("floe/") or re.fullmatch(r"\w+", name):
                continue
            entry = next((entry for entry in THIRD_PARTY if re.fullmatch(entry[0], name)), None)
            if entry is None or not file.under(*entry[1]):
                yield f"{file.path}:{line}: <{name}> may not be included here"
            elif file.suffix == ".h" and "/internal/" not in file.path and file.path not in entry[1]:
                yield f"{file.path}:{line}: <{name}> shows in a public header"
            else:
                users.setdefault(entry, set()).add(file.path)
    for (pattern, _, most), paths in users.items():
        if most and len(paths) > most:
            yield f"{', '.join(sorted(paths))}: at most {most} may include {pattern}"


@rule
def files_stay_short(tree):
    for file in tree.sources:
        lines = file.text.count("\n")
        if lines > MAX_LINES:
            yield f"{file.path}: {lines} lines; split it by protocol phase before {MAX_LINES}"


@rule
def names_say_something(tree):
    def vague(name):
        words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)
        return any(word.lower() in VAGUE_WORDS for word in words)

    for file in tree.files:
        if any(vague(part) for part in pathlib.PurePosixPath(file.path).parts):
            yield f"{file.path}: the name says nothing"
    for file in tree.sources:
        lines = [line for line in file.code.split("\n")]
        for number, line in enumerate(lines, 1):
            for name in re.findall(r"[A-Za-z_]\w*", line):
                if vague(name) and not line.lstrip().startswith("#"):
                    yield f"{file.path}:{number}: {name} says nothing"


@rule
def nothing_is_left_to_do(tree):
    # Spelled so that this file does not break the rule itself.
    pattern = r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b"
    for file, line, what in each_match(tree.files, pattern, lambda file: file.text):
        yield f"{file.path}:{line}: {what}"


@rule
def headers_are_included_once(tree):
    for file in tree.sources:
        if file.suffix == ".h" and not re.search(r"^#pragma once$", file.text, re.MULTILINE):
            yield f"{file.path}: no #pragma once"


@rule
def every_source_is_built(tree):
    lists = {file.path: file.text for file in tree.files if file.name == "CMakeLists.txt" or file.suffix == ".cmake"}
    everywhere = "\n".join(text for path, text in lists.items() if path.startswith("cmake/"))
    for file in tree.sources:
        if file.suffix not in (".cc", ".c"):
            continue
        path = pathlib.PurePosixPath(file.path)
        for parent in path.parents:
            text = lists.get((parent / "CMakeLists.txt").as_posix(), "")
            if re.search(rf'(^|[\s("]|\}}/){re.escape(path.relative_to(parent).as_posix())}($|[\s)"])', text, re.M):
                break
        else:
            if f"${{PROJECT_SOURCE_DIR}}/{path}" not in everywhere:
                yield f"{file.path}: no CMakeLists.txt above it names it"


@rule
def no_path_is_of_one_machine(tree):
    pattern = r"(?<![\w.}~-])/(?:work|root|home/\w+|Users/\w+|tmp/build)(?:/|\b)(?!\))"
    for file, line, what in each_match(tree.files, pattern, lambda file: file.text):
        yield f"{file.path}:{line}: {what}"


@rule
def engines_are_told_time_and_randomness(tree):
    pattern = (r"\w*_clock::now\b|\b(gettimeofday|clock_gettime|clock_nanosleep|nanosleep|usleep|sleep)\s*\("
               r"|\bstd::time\b|(?<![\w.>:])time\s*\(\s*(0|NULL|nullptr|&)"
               r"|\bstd::(thread|jthread|async|this_thread)\b|\bpthread_create\b"
               r"|\bstd::(random_device|rand)\b|(?<![\w.>:])rand\s*\(|\bgetrandom\s*\(")
    engines = [file for file in tree.library if not file.under("net/uv", "net/sim/system_clock.cc")]
    for file, line, what in each_match(engines, pattern):
        yield f"{file.path}:{line}: {what}"


@rule
def the_library_throws_nothing(tree):
    pattern = r"\bthrow\b|\btry\s*\{|\bcatch\s*\(|\bdynamic_cast\b|\btypeid\b|(?<![\w.])assert\s*\("
    for file, line, what in each_match(tree.library, pattern):
        yield f"{file.path}:{line}: {what}"


@rule
def tests_do_not_sleep(tree):
    pattern = r"\bthis_thread::sleep_(for|until)\b|(?<!\w)(usleep|nanosleep|sleep)\s*\("
    tests = [file for file in tree.sources if file.under("tests")]
    for file, line, what in each_match(tests, pattern):
        yield f"{file.path}:{line}: {what}"


def violations(root, name):
    return sorted(RULES[name](Tree(pathlib.Path(root).resolve())))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", default=pathlib.Path(__file__).resolve().parents[2])
    parser.add_argument("--list", action="store_true")
    parser.add_argument("rules", nargs="*")
    args = parser.parse_args()
    if args.list:
        print("\n".join(RULES))
        return 0
    found = [line for name in args.rules or RULES for line in violations(args.root, name)]
    print("\n".join(found) if found else "no violation")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
