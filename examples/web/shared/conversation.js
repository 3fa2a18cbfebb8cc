// From joining a room to the end of the talk. The rules are those of examples/chat, so that this end and the program
// cannot tell each other from their own kind.
import {Call, usableServers} from './call.js';
import {Room} from './room.js';
import {FILE_PROTOCOL, FileReceiver, FileSender} from './transfers.js';

const CONNECT_MS = 45_000;
// Whoever leaves after so long has not changed its mind, but given up.
const PATIENCE_MS = 10_000;
const GOODBYE_MS = 5_000;
const PATH_EVERY_MS = 1_000;
// Text that waits in the channel; above it no more is taken.
const TEXT_HIGH_WATER = 1024 * 1024;
// Files come into the browser's memory and stay there until they are discarded.
const MAX_KEPT = 1e9;
const MAX_INCOMING = 4;

/**
 * `phase` is joining, waiting, connecting, talking, leaving or over. `show` is told of everything: changed(), note(text),
 * said(text, byUs), transfer(transfer), path(path).
 */
export class Conversation {
  phase = 'joining';
  status = 'Asking the signalling server to let us in.';
  failed = false;  // Whether it ended badly.
  silent = false;  // Nothing comes from the peer at the moment.
  signaling = 'connecting';
  peerName = '';
  call;
  #show;
  #room;
  #iceServers = [];
  #chat;
  #transfers = new Set();
  #peerLeftRoom = false;
  #timer;
  #pathTimer;
  #toldPath;
  #metAt = 0;
  #kept;

  /** `kept` is a set of the received files that are still in memory. */
  constructor(room, name, kept, show) {
    this.#show = show;
    this.#kept = kept;
    this.roomName = room;
    show.note(`Joining the room ${room}`);
    this.#room = new Room(room, name, {
      joined: (message) => this.#joined(message),
      met: (peer, weOffer) => this.#met(peer, weOffer),
      signaled: (data) => this.call?.take(data),
      peerLeft: () => this.#peerLeft(),
      over: (why) => this.#roomOver(why),
    });
  }

  get #incoming() { return [...this.#transfers].filter((transfer) => !transfer.sending); }
  get isTransferring() { return [...this.#transfers].some((transfer) => !transfer.over); }

  #become(phase, status) {
    this.phase = phase;
    this.status = status;
    this.#show.changed();
  }

  // ------------------------------------------------------------------------------------------ meeting

  #joined({iceServers = []}) {
    this.signaling = 'connected';
    this.#iceServers = usableServers(iceServers, (why) => this.#show.note(`A server was left out: ${why}`));
    this.#show.note('In the room');
    this.#become('waiting', 'You are in the room. Waiting for the other side to join.');
  }

  #met(peer, weOffer) {
    if (this.phase !== 'waiting') return;
    this.peerName = peer.name || 'Somebody';
    this.#show.note(`${this.peerName} is here; ${weOffer ? 'we offer' : 'we wait for the offer'}`);
    this.#toldPath = undefined;
    this.#metAt = performance.now();
    const call = this.call = new Call(this.#iceServers, {
      signal: (data) => this.#room.signal(data),
      channel: (channel) => this.#took(channel),
      state: (state) => this.#connectionChanged(state),
      note: (text) => this.#show.note(text),
      broken: (why) => this.#fail(why),
    });
    this.#become('connecting', `${this.peerName} is here. Looking for a path.`);
    this.#timer = setTimeout(() => this.#fail(`No connection in ${CONNECT_MS / 1000} seconds. ${call.explainFailure()}`),
      CONNECT_MS);
    this.#pathTimer = setInterval(() => this.#lookAtPath(), PATH_EVERY_MS);
    if (!weOffer) return;
    this.#useChat(call.createChannel('chat'));
    call.describe().catch((problem) => this.#fail(`This browser made no offer: ${problem.message}`));
  }

  #peerLeft() {
    if (this.phase === 'connecting' && performance.now() - this.#metAt > PATIENCE_MS) {
      this.#fail(`${this.peerName} gave up. ${this.call.explainFailure()}`);
    } else if (this.phase === 'connecting') {
      this.#show.note(`${this.peerName} left before the connection was made`);
      this.#dropCall();
      this.#become('waiting', `${this.peerName} left before the connection was made. Waiting for another.`);
    } else if (this.phase === 'talking') {
      // It may have lost the server alone. If it is gone altogether, ICE falls silent.
      this.#peerLeftRoom = true;
      this.#show.note(`${this.peerName} has left the room of the signalling server`);
      if (this.silent) this.#fail(`${this.peerName} vanished: it left the room and is silent.`);
    }
  }

  #roomOver(why) {
    if (this.phase !== 'talking' && this.phase !== 'leaving') return this.#fail(why);
    this.signaling = 'gone';
    this.#show.note(why);
    return this.#show.changed();
  }

  // --------------------------------------------------------------------------------------- connecting

  #connectionChanged(state) {
    this.#show.note(`Connection ${state}`);
    this.silent = state === 'disconnected';
    if (state === 'failed') {
      const talked = this.phase !== 'connecting';
      return this.#fail(talked ? `${this.peerName} vanished: nothing comes from it, and no other path works.` :
        this.call.explainFailure());
    }
    if (this.silent && this.#peerLeftRoom) return this.#fail(`${this.peerName} vanished: it left the room and is silent.`);
    this.#lookAtPath();
    return this.#show.changed();
  }

  async #lookAtPath() {
    const {call} = this;
    const path = await call?.path().catch(() => undefined);  // It may be closed by now.
    if (call !== this.call || this.phase === 'over') return;
    const told = path && `Path: ${path.kind}, ${path.types}`;
    if (path && told !== this.#toldPath) {
      this.#toldPath = told;
      this.#show.note(told);
    }
    this.#show.path(path);
  }

  #took(channel) {
    if (channel.protocol === FILE_PROTOCOL && this.#incoming.length >= MAX_INCOMING) {
      this.#show.note(`A file was refused: ${MAX_INCOMING} are on their way already`);
      channel.close();
    } else if (channel.protocol === FILE_PROTOCOL) {
      this.#add(new FileReceiver(channel, (receiver) => this.#refusalOf(receiver)));
    } else if (channel.label === 'chat' && !this.#chat) {
      this.#useChat(channel);
    } else {
      this.#show.note(`A channel was closed that nobody here knows: "${channel.label.slice(0, 80)}"`);
      channel.close();
    }
  }

  #useChat(channel) {
    this.#chat = channel;
    const begin = () => {
      if (this.phase !== 'connecting') return;
      clearTimeout(this.#timer);
      this.#show.note('Data channel open');
      this.#become('talking', `Talking with ${this.peerName}.`);
    };
    channel.onopen = begin;
    channel.onmessage = ({data}) => { if (typeof data === 'string') this.#show.said(data, false); };
    channel.onerror = ({error}) => this.#show.note(`Data channel: ${error?.message ?? 'error'}`);
    channel.onclose = () => {
      if (this.phase === 'leaving') this.#end('You have left.');
      else if (this.phase === 'talking') this.#end(`${this.peerName} has left.`);
      else if (this.phase === 'connecting') this.#fail('The other side closed the connection.');
    };
    if (channel.readyState === 'open') begin();
  }

  // ------------------------------------------------------------------------------------------ talking

  /** Each line of `text` as a message of its own, for terminals show no more; why they were not sent, or nothing. */
  send(text) {
    if (this.phase !== 'talking') return 'Nobody is connected. Your text is kept.';
    const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
    const sizes = lines.map((line) => new TextEncoder().encode(line).length);
    const most = this.call.maxMessage;
    const longest = Math.max(...sizes);
    if (longest > most) return `A line has ${longest} bytes; ${most} is the most that fits. Send it as a file.`;
    if (this.#chat.bufferedAmount + sizes.reduce((a, b) => a + b, 0) > TEXT_HIGH_WATER) {
      return 'Earlier lines are still on their way. Try again in a moment.';
    }
    for (const line of lines) {
      this.#chat.send(line);
      this.#show.said(line, true);
    }
    return '';
  }

  sendFile(file) {
    if (this.phase !== 'talking') return 'Nobody is connected. The file was not sent.';
    this.#add(new FileSender(this.call.createChannel('file', {protocol: FILE_PROTOCOL}), file));
    return '';
  }

  #add(transfer) {
    this.#transfers.add(transfer);
    transfer.addEventListener('change', () => {
      if (!transfer.over || !this.#transfers.delete(transfer)) return;
      if (transfer.blob) this.#kept.add(transfer);
      this.#show.note(`${transfer.sending ? 'Sending' : 'Receiving'} ${transfer.name}: ${transfer.error || 'complete and verified'}`);
      this.#show.changed();
    });
    this.#show.transfer(transfer);
  }

  #refusalOf({size}) {
    const kept = [...this.#kept, ...this.#incoming].reduce((sum, transfer) => sum + transfer.size, 0);
    if (kept <= MAX_KEPT) return '';
    const most = MAX_KEPT / 1e6;
    return size > MAX_KEPT ? `the file is too large: a page keeps ${most} MB at most` :
      `the page is full: it keeps ${most} MB at most, and holds earlier files that were not discarded`;
  }

  // ------------------------------------------------------------------------------------------- the end

  /** Says goodbye: closing the channel sends what is queued first. */
  leave() {
    if (this.phase === 'over') return;
    if (this.phase !== 'talking') return this.#end('You have left.');
    this.#become('leaving', 'Saying goodbye.');
    this.#cut('you left');
    this.#chat.close();
    this.#timer = setTimeout(() => this.#end('You have left; the other side did not confirm your last lines.'),
      GOODBYE_MS);
  }

  /** The page is going away, and may be shown again. */
  abandon() { this.#end('The page was put away.'); }

  #fail(why) {
    if (this.phase === 'over') return;
    this.failed = true;
    const unsent = this.#chat?.bufferedAmount > 0;
    this.#end(`${why}${unsent ? ' Your last lines may not have arrived.' : ''}`);
  }

  #end(status) {
    if (this.phase === 'over') return;
    this.phase = 'over';  // What follows must not end it once more.
    this.status = status;
    this.#cut(status);
    this.#dropCall();
    this.#room.leave();
    this.signaling = 'left';
    this.#show.note(status);
    this.#become('over', status);
  }

  #cut(why) {
    for (const transfer of [...this.#transfers]) transfer.finish(why);
  }

  #dropCall() {
    clearTimeout(this.#timer);
    clearInterval(this.#pathTimer);
    if (this.#chat) this.#chat.onclose = this.#chat.onerror = this.#chat.onopen = null;
    this.#chat = undefined;
    this.call?.close();
    this.silent = this.#peerLeftRoom = false;
  }
}
