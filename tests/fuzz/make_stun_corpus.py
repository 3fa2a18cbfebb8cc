#!/usr/bin/env python3
"""Writes corpus/stun: the test vectors of RFC 5769 and RFC 8489, and one message for each shape the
parser knows that the vectors lack. Run it again after changing it; the files are checked in."""

import pathlib
import re
import struct

here = pathlib.Path(__file__).parent
corpus = here / "corpus" / "stun"
corpus.mkdir(parents=True, exist_ok=True)

ID = bytes(range(12))
COOKIE = bytes.fromhex("2112a442")


def attribute(kind, value=b""):
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


def message(kind, *attributes, cookie=COOKIE):
    body = b"".join(attributes)
    return struct.pack("!HH", kind, len(body)) + cookie + ID + body


def address(family, port, ip):
    return struct.pack("!BBH", 0, family, port) + ip


def error(code, reason=b""):
    return attribute(0x0009, bytes([0, 0, code // 100, code % 100]) + reason)


messages = {
    "bare_request": message(0x0001),
    "indication": message(0x0011),
    "classic_request": message(0x0001, attribute(0x0003, bytes(4)), cookie=b"\xff\xee\xdd\xcc"),
    "unknown_attributes": message(0x0111, error(420, b"Unknown Attribute"),
                                  attribute(0x000A, bytes.fromhex("7ffe00037fff"))),
    "challenge": message(0x0113, error(401, b"Unauthenticated"), attribute(0x0014, b"example.org"),
                         attribute(0x0015, b"obMatJos2wAAAnonce"),
                         attribute(0x8002, bytes.fromhex("0009000312345600" "00020000" "00010000"))),
    "stale_nonce": message(0x0113, error(438), attribute(0x0014, b"r"), attribute(0x0015, b"n")),
    "redirect": message(0x0111, error(300), attribute(0x8023, address(1, 3478, bytes(4))),
                        attribute(0x8023, address(2, 3478, bytes(16))),
                        attribute(0x8003, b"stun.example")),
    "allocate": message(0x0003, attribute(0x0019, b"\x11\0\0\0"), attribute(0x000D, b"\0\0\x02\x58"),
                        attribute(0x001A), attribute(0x0018, b"\x80"), attribute(0x8000, b"\2\0\0\0"),
                        attribute(0x0017, b"\1\0\0\0"), attribute(0x0022, bytes(8))),
    "allocated": message(0x0103, attribute(0x0016, address(1, 1, bytes(4))),
                         attribute(0x0016, address(2, 1, bytes(16))),
                         attribute(0x8001, b"\2\0\4\x28no"), attribute(0x0020, address(1, 2, bytes(4)))),
    "send": message(0x0016, attribute(0x0012, address(1, 7, bytes(4))), attribute(0x0013, b"hello")),
    "data_icmp": message(0x0017, attribute(0x0012, address(1, 7, bytes(4))),
                         attribute(0x8004, bytes.fromhex("00000304000005dc"))),
    "channel_bind": message(0x0009, attribute(0x000C, b"\x40\x01\0\0"),
                            attribute(0x0012, address(1, 7, bytes(4)))),
    "connection_attempt": message(0x001C, attribute(0x002A, b"\0\0\0\1"),
                                  attribute(0x0012, address(1, 7, bytes(4)))),
    "check": message(0x0001, attribute(0x0006, b"remote:local"), attribute(0x0025),
                     attribute(0x802A, bytes(8)), attribute(0x0024, b"\x6e\0\1\xff"),
                     attribute(0xC057, b"\0\1\0\x0a"), attribute(0xC001, b"\0\0\0\1"),
                     attribute(0xC070, bytes(13)), attribute(0xC071, bytes(4)),
                     attribute(0x0008, bytes(20)), attribute(0x001C, bytes(32)),
                     attribute(0x8028, bytes(4))),
    "discovery": message(0x0101, attribute(0x802B, address(1, 9, bytes(4))),
                         attribute(0x802C, address(1, 9, bytes(4))), attribute(0x0027, b"\x0d\x96\0\0"),
                         attribute(0x0026, b"pad")),
    "hidden_attributes": message(0x0001, attribute(0x0008, bytes(20)), attribute(0x0024, bytes(4)),
                                 attribute(0x001C, bytes(16)), attribute(0x0025)),
    "full_table": message(0x0001, *[attribute(0xC100 + i) for i in range(32)]),
    "overfull_table": message(0x0001, *[attribute(0xC100 + i) for i in range(33)]),
    "past_the_end": message(0x0001, struct.pack("!HH", 0x8022, 9) + b"abcd"),
}

vectors = (here.parent / "stun_client" / "test_vectors.h").read_text()
for name, text in re.findall(r"string_view (k\w+Re\w+) =\s*((?:\"[0-9a-f]+\"\s*)+);", vectors):
    snake = re.sub(r"(?<!^)(?=[A-Z])", "_", name[1:]).lower()
    messages[snake] = bytes.fromhex("".join(re.findall(r"[0-9a-f]{2,}", text)))

for name, data in messages.items():
    (corpus / name).write_bytes(data)
print(f"{len(messages)} files in {corpus}")
