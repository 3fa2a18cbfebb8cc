// What getStats says of pictures and sound, for people: rates from one second to the next.

function codecOf(stats, one) {
  const {mimeType = '', sdpFmtpLine = ''} = stats.get(one.codecId) ?? {};
  const profile = /profile-(?:level-)?id=(\w+)/.exec(sdpFmtpLine)?.[1];
  return mimeType.split('/')[1] + (profile ? ` (profile ${profile})` : '');
}

function rate(now, before, name, scale = 1) {
  const seconds = before ? (now.timestamp - before.timestamp) / 1000 : 0;
  return seconds > 0 ? Math.max(0, now[name] - before[name]) * scale / seconds : undefined;
}

/** 'down' or 'up' for what a stream is to this page. */
function describeStream(one, before, stats, all) {
  const up = one.type === 'outbound-rtp';
  // Who receives reports what was lost.
  const remote = up ? all.find(({type, localId}) => type === 'remote-inbound-rtp' && localId === one.id) : one;
  const packets = up ? one.packetsSent : one.packetsReceived + Math.max(0, one.packetsLost);
  return {
    kind: one.kind, up, codec: codecOf(stats, one),
    bitrate: rate(one, before, up ? 'bytesSent' : 'bytesReceived', 8),
    lost: remote?.packetsLost, packets, retransmitted: up ? one.retransmittedPacketsSent : undefined,
    repairsAsked: one.nackCount, keyFramesAsked: one.pliCount,
    width: one.frameWidth, height: one.frameHeight,
    frames: up ? one.framesEncoded : one.framesDecoded,
    frameRate: rate(one, before, up ? 'framesEncoded' : 'framesDecoded') ?? one.framesPerSecond,
    dropped: one.framesDropped, jitter: (remote ?? one).jitter, level: one.audioLevel,
    energy: one.totalAudioEnergy, limitedBy: one.qualityLimitationReason,
  };
}

export class Figures {
  #before = new Map();

  /** {streams, path} of a visit's report. */
  take({stats, all, path}) {
    const streams = [];
    for (const one of all) {
      if (one.type !== 'inbound-rtp' && one.type !== 'outbound-rtp') continue;
      if (!(one.packetsReceived > 0 || one.packetsSent > 0)) continue;
      streams.push(describeStream(one, this.#before.get(one.id), stats, all));
      this.#before.set(one.id, {...one});
    }
    // What comes before what goes, and pictures before sound.
    const rank = ({up, kind}) => (up ? 2 : 0) + (kind === 'video' ? 0 : 1);
    return {streams: streams.sort((a, b) => rank(a) - rank(b)), path};
  }
}

function showRate(bitsPerSecond) {
  if (bitsPerSecond === undefined) return '';
  return bitsPerSecond < 1e6 ? `${(bitsPerSecond / 1e3).toFixed(0)} kbit/s` : `${(bitsPerSecond / 1e6).toFixed(2)} Mbit/s`;
}

/** A sentence or two: what it is, and what is wrong with it. */
export function showStream(stream) {
  const parts = [stream.codec];
  if (stream.kind === 'video') {
    if (stream.width) parts.push(`${stream.width} × ${stream.height}`);
    if (stream.frameRate !== undefined) parts.push(`${stream.frameRate.toFixed(0)} pictures/s`);
  }
  parts.push(showRate(stream.bitrate));
  return parts.filter(Boolean).join(', ');
}

export function showLoss(stream) {
  if (stream.lost === undefined) return 'no report yet';
  const percent = stream.packets > 0 ? 100 * Math.max(0, stream.lost) / stream.packets : 0;
  const parts = [`${stream.lost} of ${stream.packets} packets (${percent.toFixed(1)} %)`];
  if (stream.repairsAsked) parts.push(`${stream.repairsAsked} repairs ${stream.up ? 'were asked of us' : 'asked for'}`);
  if (stream.keyFramesAsked) parts.push(`${stream.keyFramesAsked} whole pictures ${stream.up ? 'were asked of us' : 'asked for'}`);
  return parts.join(', ');
}
