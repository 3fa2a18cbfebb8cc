// One RTCPeerConnection, and what there is to tell of it in words.
import {describePair, nameOfType} from './path.js';

/** Those of the servers that this browser takes: one that it does not know would spoil all. */
export function usableServers(servers, refused) {
  return servers.filter((server) => {
    try {
      new RTCPeerConnection({iceServers: [server]}).close();
      return true;
    } catch (problem) {
      refused(`${[server.urls].flat().join(', ')}: ${problem.message}`);
      return false;
    }
  });
}

export class Call {
  #handler;
  #connection;
  #remoteWork = Promise.resolve();  // What the peer signals is done in its order.
  #own = new Map();  // Number of candidates by type, of each side.
  #theirs = new Map();
  #seenAt = new Set();  // The addresses that STUN servers see.
  #deafServers = new Map();  // What each server failed with.

  /** Calls signal(data), channel(channel), state(connectionState), note(text) and broken(why) of `handler`. */
  constructor(iceServers, handler) {
    this.#handler = handler;
    const connection = this.#connection = new RTCPeerConnection({iceServers});
    connection.onicecandidate = ({candidate}) => {
      if (candidate?.candidate) this.#countOwn(candidate.candidate);
      handler.signal({candidate});
    };
    connection.onicecandidateerror = ({url, errorCode, errorText}) => {
      // Told once for each address of this machine.
      if (this.#deafServers.has(url)) return;
      this.#deafServers.set(url, `${url} gave no address (${errorCode}${errorText ? `: ${errorText}` : ''})`);
      handler.note(this.#deafServers.get(url));
    };
    connection.onicegatheringstatechange = () => {
      if (connection.iceGatheringState === 'complete') handler.note(`All of our addresses are known: ${this.ownAddresses}`);
    };
    connection.onconnectionstatechange = () => handler.state(connection.connectionState);
    connection.ondatachannel = ({channel}) => handler.channel(channel);
  }

  get state() { return this.#connection.connectionState; }
  get ownAddresses() { return show(this.#own); }
  get theirAddresses() { return show(this.#theirs); }
  /** What the peer takes in one message. */
  get maxMessage() { return Math.min(this.#connection.sctp?.maxMessageSize || 65536, 262144); }

  createChannel(label, options) { return this.#connection.createDataChannel(label, options); }

  /** Offers or answers, whichever is due. */
  async describe() {
    await this.#connection.setLocalDescription();
    this.#handler.signal({description: this.#connection.localDescription});
  }

  take(data) {
    this.#remoteWork = this.#remoteWork.then(() => this.#take(data ?? {}));
  }

  async #take({description, candidate}) {
    const connection = this.#connection;
    if (connection.signalingState === 'closed') return;
    if (description) {
      try {
        await connection.setRemoteDescription(description);
        if (description.type === 'offer') await this.describe();
      } catch (problem) {
        if (connection.signalingState === 'closed') return;
        this.#handler.broken(`The description of the other side is no good: ${problem.message}`);
      }
    } else {
      if (candidate?.candidate) this.#count(this.#theirs, candidate.candidate);
      await connection.addIceCandidate(candidate ?? undefined).catch((problem) =>
        this.#handler.note(`An address of the other side was not used: ${problem.message}`));
    }
  }

  #countOwn(candidate) {
    this.#count(this.#own, candidate);
    if (candidate.includes(' typ srflx')) this.#seenAt.add(candidate.split(' ')[4]);
  }

  #count(counts, candidate) {
    const type = / typ (\w+)/.exec(candidate)?.[1] ?? 'host';
    counts.set(type, (counts.get(type) ?? 0) + 1);
  }

  /** {kind, sentence, types, local, remote, roundTrip, sent, received} of the pair in use; undefined while there is none. */
  async path() {
    if (this.#connection.connectionState === 'closed') return undefined;
    const stats = await this.#connection.getStats();
    const all = [...stats.values()];
    const selected = all.find(({type}) => type === 'transport')?.selectedCandidatePairId;
    const pair = stats.get(selected) ??
      // Firefox names no transport's pair.
      all.find((one) => one.type === 'candidate-pair' && one.nominated && one.state === 'succeeded');
    if (!pair) return undefined;
    return describePair(pair, stats.get(pair.localCandidateId) ?? {}, stats.get(pair.remoteCandidateId) ?? {}, this.#seenAt);
  }

  /** Why there is no connection, for a person, with what would help. */
  explainFailure() {
    if (!this.#connection.remoteDescription) {
      return 'The other side sent no description. Is it the chat program or one of these pages?';
    }
    if (this.#own.size === 0) return 'This browser found no address of its own to offer. Is the machine in a network?';
    if (this.#theirs.size === 0) return 'The other side told no address at which it can be reached.';
    const relays = this.#own.has('relay') || this.#theirs.has('relay');
    const tried = `No pair of addresses let packets through. Ours: ${this.ownAddresses}; theirs: ${this.theirAddresses}.`;
    if (relays) return `${tried} Not even a relay helped: is it reachable from both sides?`;
    const help = 'A TURN server would help: floe-signal --ice-server turn:HOST,USER,PASSWORD';
    return [tried.slice(0, -1), ...this.#deafServers.values(), help].join('. ');
  }

  close() {
    const connection = this.#connection;
    connection.onicecandidate = connection.onicecandidateerror = connection.onicegatheringstatechange = null;
    connection.onconnectionstatechange = connection.ondatachannel = null;
    connection.close();
  }
}

function show(counts) {
  return [...counts].map(([type, count]) => `${count} ${nameOfType(type)}`).join(', ') || 'none yet';
}
