#!/usr/bin/env python3
"""Every rule of check.py finds its violation in a small tree that is sound but for it, and only there."""

import pathlib
import tempfile
import unittest

import check

SOUND = {
    "cmake/FloeTargets.cmake": "target_sources(x PRIVATE ${PROJECT_SOURCE_DIR}/tests/fuzz/replay.cc)\n",
    "core/CMakeLists.txt": "floe_library(core\n  SOURCES time.cc\n  LINK tl::expected)\n",
    "core/time.h": '#pragma once\n#include <vector>\n// It has no std::chrono::steady_clock::now(): "try {" it.\n',
    "core/time.cc": '#include "floe/core/time.h"\nconst char* text = "throw // sleep(";\nint big = 1\'000\'000;\n',
    "core/result.h": "#pragma once\n#include <tl/expected.hpp>\n",
    "net/CMakeLists.txt": "floe_library(net SOURCES endpoint.cc LINK floe::core)\nadd_subdirectory(uv)\n",
    "net/endpoint.h": '#pragma once\n#include "floe/core/time.h"\n',
    "net/endpoint.cc": '#include "floe/net/endpoint.h"\n',
    "net/uv/CMakeLists.txt": "floe_library(uv SOURCES loop.cc LINK floe::net PRIVATE_LINK PkgConfig::libuv)\n",
    "net/uv/loop.h": '#pragma once\n#include "floe/net/endpoint.h"\n',
    "net/uv/loop.cc": '#include "floe/net/uv/loop.h"\n#include <uv.h>\n#include <sys/socket.h>\n'
                      "auto t = std::chrono::steady_clock::now();\n",
    "servers/CMakeLists.txt": "floe_library(server SOURCES turn.cc LINK floe::stun_client)\n"
                              "floe_program(floe-turn SOURCES main.cc LINK floe::server)\n",
    "servers/turn.cc": '#include "floe/core/time.h"\n',
    "servers/main.cc": '#include "floe/net/uv/loop.h"\nint main() {\n  throw 1;\n}\n',
    "stun_client/CMakeLists.txt": "floe_library(stun_client SOURCES message.cc LINK floe::net)\n",
    "stun_client/message.cc": '#include "floe/core/time.h"\n',
    "tests/core/CMakeLists.txt": "floe_test(core_test LABEL unit SOURCES time_test.cc LINK floe::core)\n",
    "tests/core/time_test.cc": '#include "floe/core/time.h"\n',
    "tests/fuzz/CMakeLists.txt": "floe_fuzz(stun_fuzz SOURCES stun_fuzz.cc LINK floe::stun_client)\n",
    "tests/fuzz/stun_fuzz.cc": "",
    "tests/fuzz/replay.cc": "",
}

# Rule, file, its text (appended to what the sound tree has there).
BAD = (
    ("IncludesFollowTheArrows", "core/time.cc", '#include "floe/net/endpoint.h"\n'),
    ("IncludesFollowTheArrows", "net/endpoint.h", '#include "floe/net/uv/loop.h"\n'),
    ("IncludesFollowTheArrows", "servers/turn.cc", '#  include "floe/net/uv/loop.h"\n'),
    ("IncludesFollowTheArrows", "net/endpoint.cc", '#include "floe/capi/error.h"\n'),
    ("IncludesFollowTheArrows", "core/time.h", '#include "floe/tests/core/time_test.cc"\n'),
    ("LinkLinesCoverTheIncludes", "stun_client/message.cc", '#include "floe/crypto/crypto.h"\n'),
    ("LinkLinesCoverTheIncludes", "net/uv/part/socket.h", '#include "floe/crypto/crypto.h"\n'),
    ("IncludesNameFilesOfTheTree", "core/time.cc", '#include "floe/core/space.h"\n'),
    ("IncludesNameFilesOfTheTree", "core/time.cc", '#include "time.h"\n'),
    ("ThirdPartyHeadersStayWhereTheyBelong", "net/endpoint.cc", "#include <uv.h>\n"),
    ("ThirdPartyHeadersStayWhereTheyBelong", "net/endpoint.cc", "#include <sys/socket.h>\n"),
    ("ThirdPartyHeadersStayWhereTheyBelong", "core/time.cc", "#include <openssl/evp.h>\n"),
    ("ThirdPartyHeadersStayWhereTheyBelong", "core/time.cc", "#include <boost/asio.hpp>\n"),
    ("ThirdPartyHeadersStayWhereTheyBelong", "net/uv/loop.h", "#include <uv.h>\n"),
    ("ThirdPartyHeadersStayWhereTheyBelong", "capi/network.h", "#pragma once\n#include <stdint.h>\n"),
    ("FilesStayShort", "core/time.cc", "\n" * 600),
    ("NamesSaySomething", "core/time_utils.h", "#pragma once\n"),
    ("NamesSaySomething", "core/time.cc", "struct SocketManager {};\n"),
    ("NamesSaySomething", "core/time.cc", "int impl_;\n"),
    ("NothingIsLeftToDo", "core/time.cc", "// TO" "DO: more\n"),
    ("NothingIsLeftToDo", "scripts/test", "# FIX" "ME\n"),
    ("HeadersAreIncludedOnce", "core/space.h", "int x;\n"),
    ("EverySourceIsBuilt", "tests/core/space_test.cc", ""),
    ("EverySourceIsBuilt", "core/me.cc", ""),
    ("EverySourceIsBuilt", "tests/core/time.c", ""),
    ("NoPathIsOfOneMachine", "scripts/test", "cd /" "home/someone/floe\n"),
    ("NoPathIsOfOneMachine", "core/time.cc", 'auto p = "/' 'root/x";\n'),
    ("EnginesAreToldTimeAndRandomness", "core/time.cc", "auto now = std::chrono::system_clock::now();\n"),
    ("EnginesAreToldTimeAndRandomness", "core/time.cc", "long t = time(nullptr);\n"),
    ("EnginesAreToldTimeAndRandomness", "stun_client/message.cc", "std::thread worker;\n"),
    ("EnginesAreToldTimeAndRandomness", "stun_client/message.cc", "std::random_device device;\n"),
    ("TheLibraryThrowsNothing", "core/time.cc", "void f() { throw 1; }\n"),
    ("TheLibraryThrowsNothing", "core/time.cc", "void f() { assert(true); }\n"),
    ("TestsDoNotSleep", "tests/core/time_test.cc", "void f() { std::this_thread::sleep_for(1s); }\n"),
)


def found(rule, change=None):
    files = dict(SOUND)
    if change:
        files[change[0]] = files.get(change[0], "") + change[1]
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = pathlib.Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return check.violations(folder, rule)


class Check(unittest.TestCase):
    def test_a_sound_tree_has_no_violation(self):
        for rule in check.RULES:
            with self.subTest(rule):
                self.assertEqual(found(rule), [])

    def test_each_rule_finds_its_violation_where_it_is(self):
        for rule, path, text in BAD:
            with self.subTest(rule, path=path, text=text[:60]):
                lines = found(rule, (path, text))
                self.assertEqual(len(lines), 1, lines)
                self.assertIn(path, lines[0])

    def test_no_rule_is_without_a_violation_here(self):
        self.assertEqual({rule for rule, _, _ in BAD}, set(check.RULES))

    def test_a_second_source_with_the_header_of_usrsctp_is_one_too_many(self):
        one = '#include <usrsctp.h>\n'
        sources = {"sctp/CMakeLists.txt": "floe_library(sctp SOURCES a.cc b.cc LINK floe::core)\n", "sctp/a.cc": one}
        SOUND.update(sources)
        try:
            self.assertEqual(found("ThirdPartyHeadersStayWhereTheyBelong"), [])
            lines = found("ThirdPartyHeadersStayWhereTheyBelong", ("sctp/b.cc", one))
            self.assertEqual(len(lines), 1, lines)
            self.assertIn("sctp/a.cc, sctp/b.cc", lines[0])
        finally:
            for path in sources:
                del SOUND[path]


if __name__ == "__main__":
    unittest.main()
