#!/usr/bin/env python3
"""aiortc's RTCPeerConnection, driven by the lines of examples/peer_stdio."""

import asyncio
import hashlib
import json
import sys
import time
from base64 import b64decode, b64encode

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.sdp import candidate_from_sdp

MAX_SHOWN = 16 * 1024
HIGH_WATER = 1 << 20


def tell(event, **members):
    print(json.dumps({"event": event, **members}), flush=True)


def payload(number, size, as_text):
    """Of send_many: each message begins with the next byte."""
    period, first = (26, 97) if as_text else (251, 0)
    return bytes(first + (number + i) % period for i in range(size))


class Tally:
    def __init__(self, count):
        self.left, self.began = count, time.monotonic()
        self.count, self.bytes, self.digest = 0, 0, hashlib.sha256()

    def add(self, data):
        self.left, self.count, self.bytes = self.left - 1, self.count + 1, self.bytes + len(data)
        self.digest.update(data)

    def members(self):
        return {"count": self.count, "bytes": self.bytes, "sha256": self.digest.hexdigest(),
                "ms": round(1000 * (time.monotonic() - self.began))}


class Peer:
    def __init__(self):
        self.pc, self.channels, self.collecting = None, {}, {}

    async def take(self, command, request=None, **members):
        try:
            if self.pc is None and command != "create":
                await self.create()
            answer = await getattr(self, command)(**members)
            tell("done", command=command, request=request, **(answer or {}))
        except Exception as error:
            tell("error", command=command, request=request, code=type(error).__name__, text=str(error))

    async def create(self):
        self.pc = pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        for event, state in (("signaling_state", "signalingState"), ("ice_gathering_state", "iceGatheringState"),
                             ("ice_connection_state", "iceConnectionState"), ("connection_state", "connectionState")):
            pc.on(event.replace("_", "") + "change",
                  lambda event=event, state=state: tell(event, state=getattr(pc, state)))
        pc.on("datachannel", lambda channel: tell("data_channel", channel=self.add(channel), **self.describe(channel)))
        pc.on("track", lambda track: tell("track", kind=track.kind))

    def add(self, channel):
        number = len(self.channels) + 1
        self.channels[number] = channel
        channel.on("open", lambda: tell("open", channel=number, **self.describe(channel)))
        channel.on("close", lambda: tell("close", channel=number))
        channel.on("message", lambda data: self.receive(number, data))
        # One that the peer opened is open already, without an event.
        if channel.readyState == "open":
            asyncio.get_running_loop().call_soon(lambda: tell("open", channel=number, **self.describe(channel)))
        return number

    def describe(self, channel):
        return {"label": channel.label, "protocol": channel.protocol, "ordered": channel.ordered,
                "maxPacketLifeTime": channel.maxPacketLifeTime, "maxRetransmits": channel.maxRetransmits,
                "negotiated": channel.negotiated, "id": channel.id, "readyState": channel.readyState}

    def receive(self, number, data):
        is_text = isinstance(data, str)
        octets = data.encode() if is_text else data
        tally = self.collecting.get(number)
        if tally:
            tally.add(octets)
            if tally.left == 0:
                del self.collecting[number]
                tell("collected", channel=number, **tally.members())
        elif len(octets) > MAX_SHOWN:
            tell("message", channel=number, size=len(octets), kind="text" if is_text else "binary",
                 sha256=hashlib.sha256(octets).hexdigest())
        else:
            shown = {"text": data} if is_text else {"base64": b64encode(data).decode()}
            tell("message", channel=number, size=len(octets), **shown)

    async def set_local_description(self):
        offer = self.pc.signalingState != "have-remote-offer"
        description = await (self.pc.createOffer() if offer else self.pc.createAnswer())
        await self.pc.setLocalDescription(description)
        return (await self.descriptions())["local"]

    async def set_remote_description(self, type, sdp):
        await self.pc.setRemoteDescription(RTCSessionDescription(sdp, type))

    async def add_ice_candidate(self, candidate, sdpMid=None, sdpMLineIndex=None, usernameFragment=None):
        if not candidate:
            return await self.pc.addIceCandidate(None)
        parsed = candidate_from_sdp(candidate.removeprefix("candidate:"))
        parsed.sdpMid, parsed.sdpMLineIndex = sdpMid, sdpMLineIndex
        await self.pc.addIceCandidate(parsed)

    async def descriptions(self):
        def init(description):
            return description and {"type": description.type, "sdp": description.sdp}
        return {"local": init(self.pc.localDescription), "remote": init(self.pc.remoteDescription)}

    async def report(self):
        return {state: getattr(self.pc, state)
                for state in ("signalingState", "iceGatheringState", "iceConnectionState", "connectionState")}

    async def add_transceiver(self, kind, direction):
        self.pc.addTransceiver(kind, direction)

    async def create_data_channel(self, label, **options):
        return {"channel": self.add(self.pc.createDataChannel(label, **options))}

    async def send(self, channel, text=None, base64=None):
        self.channels[channel].send(text if text is not None else b64decode(base64))

    async def send_many(self, channel, count, size, asText=False):
        asyncio.ensure_future(self.send_all(channel, count, size, asText))

    async def send_all(self, number, count, size, as_text):
        channel, tally, room = self.channels[number], Tally(count), asyncio.Event()
        channel.bufferedAmountLowThreshold = HIGH_WATER // 2
        channel.on("bufferedamountlow", room.set)
        for message in range(count):
            if channel.bufferedAmount > HIGH_WATER:
                room.clear()
                await room.wait()
            data = payload(message, size, as_text)
            channel.send(data.decode() if as_text else data)
            tally.add(data)
        tell("sent", channel=number, **tally.members())

    async def collect(self, channel, count):
        self.collecting[channel] = Tally(count)

    async def close_channel(self, channel):
        self.channels[channel].close()

    async def close(self):
        await self.pc.close()
        self.pc, self.channels, self.collecting = None, {}, {}


async def main():
    peer, loop = Peer(), asyncio.get_running_loop()
    tell("ready")
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        command = json.loads(line)
        if command["command"] == "quit":
            break
        await peer.take(**command)


asyncio.run(main())
