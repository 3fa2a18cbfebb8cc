// Files over data channels, as the chat program sends them (examples/chat/file_message.h). Each has a channel of its own
// with the protocol FILE_PROTOCOL. Its two ends say {type: offer, name, size}, {type: accepted}, then the bytes in binary
// messages, {type: end, sha256}, {type: received}; and {type: failed, reason} from whichever side gives up.
import {Sha256} from './sha256.js';

export const FILE_PROTOCOL = 'floe-chat-file';
const CHUNK = 64 * 1024;
// What waits in the channel: enough to keep a fast path busy, little enough to cancel soon.
const HIGH_WATER = 1024 * 1024;
const LOW_WATER = 256 * 1024;
// Read from the disk at once, and kept in memory before it becomes a part of a Blob.
const PIECE = 1024 * 1024;
// An end that lives says something or takes something at least this often.
const PATIENCE_MS = 60_000;
const TICK_MS = 250;
const MAX_CONTROL = 8 * 1024;

/** Without folders, control characters, what some systems forbid, and dots that hide it. */
export function safeFileName(name) {
  const safe = String(name).split(/[/\\]/).pop().replace(/[\p{Cc}\p{Cf}:*?"<>|]/gu, '_').replace(/^[. ]+|[. ]+$/g, '');
  return [...safe].slice(0, 120).join('') || 'file';
}

/** What both directions have. `state` is offered, moving, checking, done or failed. */
class Transfer extends EventTarget {
  state = 'offered';
  moved = 0;  // Bytes that have left for the peer, or have come.
  error = '';
  sha256 = '';
  #started = 0;
  #took = 0;
  #alive = performance.now();
  #ticks = setInterval(() => this.#tick(), TICK_MS);

  constructor(channel, name, size) {
    super();
    this.channel = channel;
    this.name = name;
    this.size = size;
    channel.binaryType = 'arraybuffer';
    channel.onmessage = ({data}) => this.#hear(data);
    channel.onclose = () => this.finish('the other side closed the channel');
  }

  get over() { return this.state === 'done' || this.state === 'failed'; }
  get seconds() { return this.#started === 0 ? 0 : this.#took || (performance.now() - this.#started) / 1000; }

  begin() {
    this.#started = performance.now();
    this.become('moving');
  }

  become(state) {
    this.state = state;
    this.dispatchEvent(new Event('change'));
  }

  say(message) {
    if (this.channel.readyState === 'open') this.channel.send(JSON.stringify(message));
  }

  /** Tells the peer why, and ends. */
  giveUp(why) {
    if (this.over) return;
    this.say({type: 'failed', reason: why});
    this.finish(why);
  }

  cancel() {
    if (this.over) return;
    this.say({type: 'failed', reason: 'cancelled'});
    this.finish('you cancelled it');
  }

  finish(error = '') {
    if (this.over) return;
    this.#took = this.seconds;
    clearInterval(this.#ticks);
    this.error = error;
    this.channel.close();
    this.become(error ? 'failed' : 'done');
  }

  noteLife() { this.#alive = performance.now(); }

  #tick() {
    this.progress();
    if (performance.now() - this.#alive > PATIENCE_MS) return this.giveUp('the other side has been silent for a minute');
    return this.dispatchEvent(new Event('change'));
  }

  #hear(data) {
    if (this.over) return;
    this.noteLife();
    if (typeof data !== 'string') {
      this.takeBytes(new Uint8Array(data));
      return;
    }
    let message;
    try {
      message = data.length <= MAX_CONTROL ? JSON.parse(data) : null;
    } catch { /* The same as no object. */ }
    if (typeof message !== 'object' || message === null) return this.giveUp('a message about the file is not a JSON object');
    if (message.type === 'failed') return this.finish(`the other side says: ${String(message.reason).slice(0, 300)}`);
    return this.takeMessage(message);
  }

  progress() {}
  takeBytes() {}
}

export class FileSender extends Transfer {
  sending = true;
  #file;
  #queued = 0;
  #wake = () => {};

  constructor(channel, file) {
    super(channel, file.name, file.size);
    this.#file = file;
    channel.bufferedAmountLowThreshold = LOW_WATER;
    channel.onbufferedamountlow = () => this.#wake();
    channel.onopen = () => this.say({type: 'offer', name: file.name, size: file.size});
  }

  takeMessage({type}) {
    if (type === 'accepted' && this.state === 'offered') {
      this.begin();
      this.#sendAll().catch((problem) => this.giveUp(`it cannot be read on: ${problem.message}`));
    } else if (type === 'received' && this.sha256) {
      this.finish();
    }
  }

  async #sendAll() {
    const digest = new Sha256();
    for (let from = 0; from < this.size; from += PIECE) {
      const piece = new Uint8Array(await this.#file.slice(from, from + PIECE).arrayBuffer());
      digest.update(piece);
      for (let at = 0; at < piece.length; at += CHUNK) {
        if (this.channel.bufferedAmount >= HIGH_WATER) await new Promise((resolve) => { this.#wake = resolve; });
        if (this.over) return;
        const chunk = piece.subarray(at, at + CHUNK);
        this.channel.send(chunk);
        this.#queued += chunk.length;
      }
    }
    this.sha256 = digest.finish();
    this.say({type: 'end', sha256: this.sha256});
    this.become('checking');
  }

  progress() {
    const moved = Math.max(0, this.#queued - this.channel.bufferedAmount);
    if (moved !== this.moved) this.noteLife();
    this.moved = moved;
  }

  finish(error) {
    if (!error) this.moved = this.size;
    super.finish(error);
    this.#wake();
  }
}

export class FileReceiver extends Transfer {
  sending = false;
  blob;
  #admit;
  #digest = new Sha256();
  #pieces = [];  // Blobs, which the browser may put on its disk.
  #fresh = [];
  #freshSize = 0;

  /** `admit(receiver)` says why a file of this name and size is not taken; nothing if it is. */
  constructor(channel, admit) {
    super(channel, 'a file', 0);
    this.#admit = admit;
  }

  takeMessage(message) {
    if (message.type === 'offer') this.#takeOffer(message);
    else if (message.type === 'end') this.#takeEnd(message);
  }

  #takeOffer({name, size}) {
    if (this.state !== 'offered') return this.giveUp('a second file was offered on one channel');
    if (!Number.isSafeInteger(size) || size < 0) return this.giveUp('a file was offered without its size');
    this.name = safeFileName(name);
    this.size = size;
    const refusal = this.#admit(this);
    if (refusal) return this.giveUp(refusal);
    this.say({type: 'accepted'});
    return this.begin();
  }

  takeBytes(bytes) {
    if (this.state !== 'moving') return this.giveUp('a part of a file came before its offer');
    if (this.moved + bytes.length > this.size) return this.giveUp('more came than was announced');
    this.#digest.update(bytes);
    this.moved += bytes.length;
    this.#fresh.push(bytes);
    this.#freshSize += bytes.length;
    if (this.#freshSize >= PIECE) this.#fold();
    return undefined;
  }

  #fold() {
    this.#pieces.push(new Blob(this.#fresh));
    this.#fresh = [];
    this.#freshSize = 0;
  }

  #takeEnd({sha256}) {
    if (this.state !== 'moving') return this.giveUp('the end of a file came before its offer');
    if (this.moved !== this.size) return this.giveUp(`only ${this.moved} of ${this.size} bytes came`);
    const found = this.#digest.finish();
    if (found !== sha256) return this.giveUp('its SHA-256 is another here than at the sender: send the file again');
    this.#fold();
    this.sha256 = found;
    this.blob = new Blob(this.#pieces);
    this.say({type: 'received'});
    return this.finish();
  }

  finish(error) {
    super.finish(error);
    this.#pieces = [];
    this.#fresh = [];
  }
}
