// A visit to a program that sends or takes media: media_send, media_record, echo or forward. The page says in the room
// what it wishes, whichever program can fulfil that makes an offer, and the page answers.
import {usableServers} from './call.js';
import {describePair} from './path.js';
import {NO_SERVER, SIGNALING, explainRefusal} from './room.js';

export class Visit {
  #handler;
  #wish;
  #own;  // The stream that is sent, if any.
  #socket;
  #iceServers = [];
  #work = Promise.resolve();  // What the program signals is done in its order.
  #seenAt = new Set();
  #host;  // The program's {id, name}.
  #names = new Map();

  phase = 'joining';  // then waiting, connecting, live, over
  status = 'Asking the signalling server.';
  failed = false;
  connection;

  /** `wish`: 'watch', 'publish' or 'echo'; `own`: the MediaStream to be sent. Calls changed(), note(text) and
   * track(event) of `handler`. */
  constructor(room, wish, own, handler) {
    this.#handler = handler;
    this.#wish = wish;
    this.#own = own;
    const socket = this.#socket = new WebSocket(SIGNALING);
    let opened = false;
    socket.onopen = () => {
      opened = true;
      this.#say({type: 'join', room, name: `${wish} page`});
    };
    socket.onmessage = ({data}) => this.#hear(JSON.parse(data));
    socket.onclose = ({code, reason}) => {
      if (this.phase === 'over') return;
      if (this.phase === 'live') return handler.note('The signalling server is gone; pictures and sound go on without it.');
      this.#end(opened ? `The signalling server closed the connection (${reason || `code ${code}`}).` : NO_SERVER, true);
    };
  }

  leave() { this.#end('You have left.', false); }

  get hostName() { return this.#host?.name || 'the program'; }

  #say(message) {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #enter(phase, status) {
    this.phase = phase;
    this.status = status;
    this.#handler.note(status);
    this.#handler.changed();
  }

  #end(status, failed) {
    if (this.phase === 'over') return;
    this.failed = failed;
    this.#enter('over', status);
    this.#socket.close();
    this.connection?.close();
  }

  #hear(message) {
    if (this.phase === 'over') return;
    if (message.type === 'joined') {
      this.#iceServers = usableServers(message.iceServers ?? [], (why) => this.#handler.note(`Not used: ${why}`));
      this.#enter('waiting', 'In the room. Waiting for the program.');
      for (const peer of message.peers) this.#ask(peer);
    } else if (message.type === 'peer-joined') {
      this.#ask(message.peer);
    } else if (message.type === 'peer-left') {
      this.#names.delete(message.id);
      if (message.id === this.#host?.id) this.#end(`${this.hostName} has left.`, false);
    } else if (message.type === 'signal') {
      this.#work = this.#work.then(() => this.#take(message.from, message.data ?? {}));
    } else if (message.type === 'error' && message.code !== 'no-such-peer') {
      this.#end(explainRefusal(message), true);
    }
  }

  /** Other pages in the room pass over it. */
  #ask({id, name}) {
    this.#names.set(id, name);
    if (!this.#host) this.#say({type: 'signal', to: id, data: {wish: this.#wish}});
  }

  async #take(from, data) {
    if (this.phase === 'over') return;
    try {
      if (data.refused && !this.#host) {
        this.#end(`${this.#names.get(from) || 'The program'} says: ${data.refused}`, true);
      } else if (data.description?.type === 'offer' && (!this.#host || this.#host.id === from)) {
        await this.#answer(from, data.description);
      } else if ('candidate' in data && from === this.#host?.id) {
        await this.connection.addIceCandidate(data.candidate ?? undefined);
      }
    } catch (problem) {
      if (this.phase === 'over') return;
      if (data.description) this.#end(`The offer is no good to this browser: ${problem.message}`, true);
      else this.#handler.note(`An address was not used: ${problem.message}`);
    }
  }

  async #answer(from, offer) {
    if (!this.connection) this.#connect(from);
    await this.connection.setRemoteDescription(offer);
    for (const transceiver of this.connection.getTransceivers()) {
      const track = this.#own?.getTracks().find(({kind}) => kind === transceiver.receiver.track.kind);
      if (!track) continue;
      transceiver.direction = this.#wish === 'echo' ? 'sendrecv' : 'sendonly';
      await transceiver.sender.replaceTrack(track);
    }
    await this.connection.setLocalDescription();
    this.#signal({description: this.connection.localDescription});
  }

  #signal(data) { this.#say({type: 'signal', to: this.#host.id, data}); }

  #connect(from) {
    this.#host = {id: from, name: this.#names.get(from)};
    const connection = this.connection = new RTCPeerConnection({iceServers: this.#iceServers});
    this.#enter('connecting', `${this.hostName} makes an offer. Connecting.`);
    connection.onicecandidate = ({candidate}) => {
      if (candidate?.candidate.includes(' typ srflx')) this.#seenAt.add(candidate.candidate.split(' ')[4]);
      this.#signal({candidate});
    };
    connection.ontrack = (event) => {
      this.#handler.note(`A track with ${event.track.kind === 'video' ? 'pictures' : 'sound'} is announced.`);
      this.#handler.track(event);
    };
    connection.onconnectionstatechange = () => {
      const state = connection.connectionState;
      if (state === 'connected') this.#enter('live', `Connected with ${this.hostName}, encrypted.`);
      if (state === 'disconnected') this.#handler.note('Nothing has come for some seconds; it may come back.');
      if (state === 'failed') {
        this.#end(this.phase === 'live' ? `${this.hostName} vanished.` :
          'No pair of addresses let packets through. A TURN server would help: floe-signal --ice-server turn:HOST,USER,PASSWORD', true);
      }
      if (state === 'closed') this.#end(`${this.hostName} has ended the connection.`, false);
    };
  }

  /** What getStats tells of this moment, in the words of figures.js; undefined before there is a connection. */
  async report() {
    if (!this.connection || this.connection.connectionState === 'closed') return undefined;
    const stats = await this.connection.getStats();
    const all = [...stats.values()];
    const selected = all.find(({type}) => type === 'transport')?.selectedCandidatePairId;
    const pair = stats.get(selected) ??
      all.find((one) => one.type === 'candidate-pair' && one.nominated && one.state === 'succeeded');
    const path = pair && describePair(pair, stats.get(pair.localCandidateId) ?? {}, stats.get(pair.remoteCandidateId) ?? {},
      this.#seenAt);
    return {stats, all, path};
  }
}
