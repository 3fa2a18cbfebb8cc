// A peer that speaks the lines of examples/peer_stdio over whatever RTCPeerConnection there is: a browser's, or that of
// a library for node. Loaded into a page as a plain script, hence no imports. Members are those of README.md there.
'use strict';

const MAX_SHOWN = 16 * 1024;
const HIGH_WATER = 4 << 20;

const hex = (buffer) => [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, '0')).join('');

async function sha256(chunks) {
  return hex(await crypto.subtle.digest('SHA-256', await new Blob(chunks).arrayBuffer()));
}

// The payloads of send_many: each message begins with the next byte.
function messageMaker(size, asText) {
  const period = asText ? 26 : 251;
  const pattern = Uint8Array.from({length: size + period}, (_, i) => asText ? 97 + i % period : i % period);
  return (number) => pattern.subarray(number % period, number % period + size);
}

class LinePeer {
  // `emit` is given each event. `configuration` is what `create` adds to; `options` says where a library is different.
  constructor(RTCPeerConnection, emit, configuration = {}) {
    this.RTCPeerConnection = RTCPeerConnection;
    this.emit = emit;
    this.configuration = configuration;
    this.channels = new Map();
  }

  async take({command, request, ...members}) {
    try {
      if (!this.pc && command !== 'create' && command !== 'close') this.create({});
      const answer = await this[command](members);
      this.emit({event: 'done', command, request, ...answer});
    } catch (error) {
      this.emit({event: 'error', command, request, code: error.name, text: String(error.message ?? error)});
    }
  }

  create(configuration) {
    const pc = this.pc = new this.RTCPeerConnection({iceServers: [], ...this.configuration, ...configuration});
    const tell = (event, state) => () => this.pc === pc && this.emit({event, state: pc[state]});
    pc.onsignalingstatechange = tell('signaling_state', 'signalingState');
    pc.onicegatheringstatechange = tell('ice_gathering_state', 'iceGatheringState');
    pc.oniceconnectionstatechange = tell('ice_connection_state', 'iceConnectionState');
    pc.onconnectionstatechange = tell('connection_state', 'connectionState');
    pc.onnegotiationneeded = () => this.emit({event: 'negotiation_needed'});
    pc.onicecandidate = ({candidate}) => {
      if (!candidate) return;  // The old way to say that gathering is complete.
      const {sdpMid, sdpMLineIndex, usernameFragment} = candidate;
      this.emit({event: 'candidate', candidate: candidate.candidate, sdpMid, sdpMLineIndex, usernameFragment});
    };
    pc.ondatachannel = ({channel}) => {
      const number = this.add(channel);
      this.emit({event: 'data_channel', channel: number, ...this.describe(channel)});
    };
    pc.ontrack = ({track, transceiver}) =>
      this.emit({event: 'track', kind: track.kind, mid: transceiver.mid, direction: transceiver.direction});
  }

  add(channel) {
    const number = this.channels.size + 1;
    this.channels.set(number, channel);
    channel.binaryType = 'arraybuffer';
    channel.number = number;
    channel.onopen = () => this.emit({event: 'open', channel: number, ...this.describe(channel)});
    channel.onmessage = ({data}) => this.receive(channel, data);
    channel.onclosing = () => this.emit({event: 'closing', channel: number});
    channel.onclose = () => this.emit({event: 'close', channel: number});
    channel.onerror = ({error}) =>
      this.emit({event: 'error', channel: number, code: error?.name, text: error?.message ?? 'error'});
    return number;
  }

  describe({label, protocol, ordered, maxPacketLifeTime, maxRetransmits, negotiated, id, readyState}) {
    return {label, protocol, ordered, maxPacketLifeTime, maxRetransmits, negotiated, id, readyState};
  }

  receive(channel, data) {
    const text = typeof data === 'string';
    const bytes = text ? new TextEncoder().encode(data) : new Uint8Array(data.buffer ?? data, data.byteOffset ?? 0, data.byteLength);
    const collecting = channel.collecting;
    if (collecting) {
      collecting.chunks.push(bytes);
      if (collecting.chunks.length < collecting.count) return;
      channel.collecting = null;
      this.finish('collected', channel, collecting);
      return;
    }
    const event = {event: 'message', channel: channel.number, size: bytes.length};
    if (bytes.length > MAX_SHOWN) {
      sha256([bytes]).then((digest) => this.emit({...event, kind: text ? 'text' : 'binary', sha256: digest}));
    } else {
      this.emit({...event, ...(text ? {text: data} : {base64: btoa(String.fromCharCode(...bytes))})});
    }
  }

  async finish(event, channel, {began, chunks}) {
    const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    const ms = Math.round(performance.now() - began);
    this.emit({event, channel: channel.number, count: chunks.length, bytes, sha256: await sha256(chunks), ms});
  }

  create_offer(options) { return this.pc.createOffer(options).then(({type, sdp}) => ({type, sdp})); }

  create_answer() { return this.pc.createAnswer().then(({type, sdp}) => ({type, sdp})); }

  async set_local_description(description) {
    const {pc} = this;
    if (!description.type) {
      // Not by signalingState: node-datachannel has its answer before it is asked for one.
      description = await (this.offered ? pc.createAnswer() : pc.createOffer());
    }
    await pc.setLocalDescription(description);
    this.offered = false;
    return pc.localDescription && {type: pc.localDescription.type, sdp: pc.localDescription.sdp};
  }

  async set_remote_description(description) {
    await this.pc.setRemoteDescription(description);
    this.offered = description.type === 'offer';
  }

  async add_ice_candidate(candidate) { await this.pc.addIceCandidate(candidate); }

  restart_ice() { this.pc.restartIce(); }

  descriptions() {
    const init = (description) => description && {type: description.type, sdp: description.sdp};
    return {local: init(this.pc.localDescription), remote: init(this.pc.remoteDescription)};
  }

  async report() {
    const {signalingState, iceGatheringState, iceConnectionState, connectionState} = this.pc;
    return {signalingState, iceGatheringState, iceConnectionState, connectionState};
  }

  add_transceiver({kind, direction}) { this.pc.addTransceiver(kind, {direction}); }

  create_data_channel({label, ...options}) {
    return {channel: this.add(this.pc.createDataChannel(label, options))};
  }

  channel({channel: number}) {
    const channel = this.channels.get(number);
    if (!channel) throw new RangeError(`no channel ${number}`);
    return channel;
  }

  channel_state(members) {
    const channel = this.channel(members);
    return {...this.describe(channel), bufferedAmount: channel.bufferedAmount};
  }

  send({text, base64, ...members}) {
    this.channel(members).send(text ?? Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)));
  }

  send_many({count, size, asText, ...members}) {
    const channel = this.channel(members);
    this.sendAll(channel, count, size, asText).catch((error) =>
      this.emit({event: 'error', channel: channel.number, code: error.name, text: error.message}));
  }

  async sendAll(channel, count, size, asText) {
    const make = messageMaker(size, asText);
    const sent = {began: performance.now(), chunks: []};
    channel.bufferedAmountLowThreshold = HIGH_WATER / 2;
    for (let number = 0; number < count; ++number) {
      // Not every library tells that the amount is low.
      while (channel.bufferedAmount > HIGH_WATER) {
        await new Promise((resolve) => { channel.onbufferedamountlow = resolve; setTimeout(resolve, 20); });
      }
      const payload = make(number);
      channel.send(asText ? new TextDecoder().decode(payload) : payload);
      sent.chunks.push(payload);
    }
    await this.finish('sent', channel, sent);
  }

  collect({count, ...members}) {
    this.channel(members).collecting = {count, began: performance.now(), chunks: []};
  }

  close_channel(members) { this.channel(members).close(); }

  async close() {
    await this.pc?.close();
    this.pc = null;
    this.channels.clear();
  }
}

globalThis.LinePeer = LinePeer;
