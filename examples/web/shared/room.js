// A room of the signalling server, for two. Who comes second offers and who came first waits, as the chat program has it;
// docs/signaling.md has the protocol.

/** Where the server that the page came from takes WebSockets. */
export const SIGNALING = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/signal`;

/** A name that nobody guesses: it is the only key to the room. */
export function randomRoom() {
  const letters = 'abcdefghjkmnpqrstuvwxyz23456789';  // None that look like another.
  const drawn = crypto.getRandomValues(new Uint32Array(12));
  return Array.from(drawn, (number) => letters[number % letters.length]).join('').replace(/(.{4})(?=.)/g, '$1-');
}

const ROOM_FULL = 'Two are talking in this room already. Take another room.';
const REFUSALS = {
  'room-full': ROOM_FULL,
  'too-many-rooms': 'The signalling server has no room left. Try again later.',
  'server-full': 'The signalling server has all the visitors that it takes. Try again later.',
  'bad-room': 'The signalling server does not take this name for a room: 64 bytes at most, nothing invisible.',
  'bad-name': 'The signalling server does not take your name: 64 bytes at most, nothing invisible.',
};

/** For a person, of an 'error' message. */
export function explainRefusal({code, message}) {
  return REFUSALS[code] ?? `The signalling server refuses (${code}): ${message}`;
}

export const NO_SERVER = `The signalling server at ${SIGNALING} does not answer. Does floe-signal still run there?`;

export class Room {
  #socket;
  #handler;
  #over = false;
  peer;  // {id, name} of the other one.

  /** Calls joined({iceServers}), met(peer, weOffer), signaled(data), peerLeft() and at the end over(why) of `handler`. */
  constructor(room, name, handler) {
    this.#handler = handler;
    this.#socket = new WebSocket(SIGNALING);
    let opened = false;
    this.#socket.onopen = () => {
      opened = true;
      this.#say({type: 'join', room, name});
    };
    this.#socket.onmessage = ({data}) => this.#hear(data);
    this.#socket.onclose = ({code, reason}) => this.#end(!opened ? NO_SERVER :
      `The signalling server closed the connection (${reason || `code ${code}`}).`);
  }

  signal(data) {
    if (this.peer) this.#say({type: 'signal', to: this.peer.id, data});
  }

  leave() {
    this.#over = true;
    this.#socket.close();
  }

  #say(message) {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #end(why) {
    if (this.#over) return;
    this.leave();
    this.#handler.over(why);
  }

  #hear(text) {
    if (this.#over) return;
    const message = JSON.parse(text);
    if (message.type === 'joined') {
      if (message.peers.length > 1) return this.#end(ROOM_FULL);
      this.#handler.joined(message);
      if (message.peers.length === 1) this.#meet(message.peers[0], true);
    } else if (message.type === 'peer-joined') {
      // A third one finds two here, and goes again.
      if (!this.peer) this.#meet(message.peer, false);
    } else if (message.type === 'peer-left' && message.id === this.peer?.id) {
      this.peer = undefined;
      this.#handler.peerLeft();
    } else if (message.type === 'signal' && message.from === this.peer?.id) {
      this.#handler.signaled(message.data);
    } else if (message.type === 'error' && message.code !== 'no-such-peer') {  // 'peer-left' tells of that.
      this.#end(explainRefusal(message));
    }
  }

  #meet(peer, weOffer) {
    this.peer = peer;
    this.#handler.met(peer, weOffer);
  }
}
