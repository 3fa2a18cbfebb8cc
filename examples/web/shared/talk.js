// What chat and peers have in common on the screen: the form to join with, the conversation, and what is going on.
import {Conversation} from './conversation.js';
import {SIGNALING, randomRoom} from './room.js';

const $ = (selector) => document.querySelector(selector);
const MAX_TIMELINE = 300;
const MAX_LOG = 2000;

const MARKUP = `
<div class="talk" hidden>
  <section class="conversation" aria-labelledby="conversation-title">
    <h2 id="conversation-title" class="unseen">Conversation</h2>
    <ol id="log" role="log" aria-label="Messages and files" tabindex="0"></ol>
    <p id="problem" class="bad" role="alert" hidden></p>
    <form id="composer">
      <label for="text" class="unseen">Your message</label>
      <textarea id="text" rows="1" placeholder="Write a message" enterkeyhint="send" autocomplete="off"></textarea>
      <button type="submit" id="send">Send</button>
      <button type="button" id="attach" class="quiet">Send a file</button>
      <input type="file" id="file" aria-label="File to send" multiple hidden>
    </form>
  </section>
  <section class="insight">
    <h2>What is going on</h2>
    <dl>
      <dt>Signalling</dt><dd id="signaling"></dd>
      <dt>Connection</dt><dd id="connection"></dd>
      <dt>Path</dt><dd id="path"></dd>
      <dt>Your addresses</dt><dd id="own"></dd>
      <dt>Their addresses</dt><dd id="theirs"></dd>
      <dt>Round trip</dt><dd id="round-trip"></dd>
      <dt>Traffic</dt><dd id="traffic"></dd>
    </dl>
    <h2>Time line <small>seconds since you joined</small></h2>
    <ol id="timeline" tabindex="0" aria-label="Time line"></ol>
  </section>
</div>`;

const TAGS = {joining: 'joining', waiting: 'waiting', connecting: 'connecting', talking: 'connected', leaving: 'leaving', over: 'ended'};
const SIGNALING_WORDS = {
  connecting: `asking ${SIGNALING}`, connected: 'connected; it passes on addresses, nothing of the talk',
  gone: 'gone; the talk goes on without it', left: 'left',
};
const CONNECTION_WORDS = {
  new: 'not begun', connecting: 'trying pairs of addresses, then encrypting', connected: 'open, encrypted between the two ends',
  disconnected: 'nothing has come for some seconds; it may come back', failed: 'failed', closed: 'closed',
};

function make(tag, text = '', style = '') {
  const made = document.createElement(tag);
  made.textContent = text;
  made.className = style;
  return made;
}

export function showBytes(bytes) {
  if (bytes < 10_000) return `${bytes} bytes`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

function showTime(seconds) {
  return seconds < 90 ? `${Math.max(1, Math.ceil(seconds))} s` : `${Math.ceil(seconds / 60)} min`;
}

/** Copies from where pages of other machines, which come without TLS, have no navigator.clipboard too. */
async function copy(field) {
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    return document.execCommand('copy');
  }
}

export function offerCopy(field, button) {
  const label = button.textContent;
  button.onclick = async () => {
    button.textContent = await copy(field) ? 'Copied' : 'Press Ctrl+C';
    setTimeout(() => { button.textContent = label; }, 2000);
  };
}

/** Whether the other side has to be on this machine, because the server takes nobody else. */
export const isLocalServer = /^(localhost|127\..*|\[::1\])$/.test(location.hostname);

// -------------------------------------------------------------------------------------------- messages

class Log {
  #list = $('#log');

  #append(item) {
    this.#stayAtEnd(() => this.#list.append(item));
    if (this.#list.children.length <= MAX_LOG) return;
    // Not a file that is on its way or not saved.
    [...this.#list.children].find((old) => !old.querySelector('.actions > *'))?.remove();
  }

  /** Who reads what was said earlier is not torn away from it. */
  #stayAtEnd(change) {
    const list = this.#list;
    const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 80;
    change();
    if (atEnd) list.scrollTop = list.scrollHeight;
  }

  say(name, text, style) {
    const item = make('li', '', `message ${style}`);
    item.append(make('bdi', name, 'name'), make('p', text));
    item.lastChild.dir = 'auto';
    this.#append(item);
  }

  note(text, bad) { this.#append(make('li', text, bad ? 'note bad' : 'note')); }

  /** A file on its way, which is the same line until its end. */
  follow(transfer, name, kept) {
    const item = make('li', '', `message file ${transfer.sending ? 'ours' : 'theirs'}`);
    const title = make('p', '', 'title');
    const bar = make('progress');
    const text = make('p', '', 'dim');
    const row = make('p', '', 'actions');
    const cancel = make('button', 'Cancel', 'quiet');
    cancel.type = 'button';
    cancel.onclick = () => transfer.cancel();
    row.append(cancel);
    item.append(make('bdi', name, 'name'), title, bar, text, row);
    const update = () => {
      title.textContent = transfer.name;
      bar.setAttribute('aria-label', `${transfer.sending ? 'Sending' : 'Receiving'} ${transfer.name}`);
      bar.max = transfer.size || 1;
      bar.value = transfer.state === 'done' ? bar.max : transfer.moved;
      text.textContent = describe(transfer);
      item.dataset.state = transfer.state;
      // Four times a second is no news for those who have it read to them.
      text.ariaLive = transfer.over ? 'polite' : 'off';
      if (!transfer.over) return;
      bar.hidden = true;
      row.replaceChildren();
      text.className = transfer.state === 'failed' ? 'bad' : 'dim';
      row.hidden = !transfer.blob;
      if (transfer.blob) offerToSave(transfer, row, kept);
      if (transfer.state === 'done') text.append(make('small', `SHA-256 ${transfer.sha256}`));
    };
    transfer.addEventListener('change', () => this.#stayAtEnd(update));
    update();
    this.#append(item);
  }
}

function describe(transfer) {
  const {state, moved, size, seconds, sending} = transfer;
  if (state === 'offered') return sending ? `${showBytes(size)}, waiting until the other side takes it` : 'a file is announced';
  if (state === 'failed') return `Not ${sending ? 'sent' : 'received'}: ${transfer.error}`;
  const rate = seconds > 0 ? moved / seconds : 0;
  if (state === 'checking') return `All of ${showBytes(size)} is sent; the other side checks it`;
  if (state === 'done') {
    return `${showBytes(size)} in ${seconds.toFixed(1)} s. ${sending ? 'Verified by the other side' : 'Complete and verified'}.`;
  }
  const left = rate > 0 ? `, ${showBytes(rate)}/s, ${showTime((size - moved) / rate)} left` : '';
  return `${showBytes(moved)} of ${showBytes(size)}${left}`;
}

function offerToSave(transfer, row, kept) {
  const link = make('a', 'Save', 'button');
  link.href = URL.createObjectURL(transfer.blob);
  link.download = transfer.name;
  link.setAttribute('aria-label', `Save ${transfer.name}`);
  link.onclick = () => { transfer.saved = true; };
  const discard = make('button', 'Discard', 'quiet');
  discard.type = 'button';
  discard.setAttribute('aria-label', `Discard ${transfer.name}`);
  discard.onclick = () => {
    URL.revokeObjectURL(link.href);
    kept.delete(transfer);
    transfer.blob = undefined;
    row.replaceChildren(make('span', 'Discarded', 'dim'));
  };
  row.append(link, discard);
}

// ---------------------------------------------------------------------------------------------- the page

class Talk {
  #conversation;
  #log = new Log();
  #kept = new Set();  // Received files that are still in memory.
  #joinedAt = 0;
  #said = '';
  #phase;
  #onPhase;

  constructor(onPhase) {
    this.#onPhase = onPhase;
    $('#join').onsubmit = (event) => {
      event.preventDefault();
      this.#join();
    };
    $('#composer').onsubmit = (event) => {
      event.preventDefault();
      this.#send();
    };
    $('#text').onkeydown = (event) => {
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#send();
    };
    $('#text').oninput = () => this.#fitText();
    $('#attach').onclick = () => $('#file').click();
    $('#file').onchange = () => {
      this.#sendFiles($('#file').files);
      $('#file').value = '';  // The same file may be sent again.
    };
    $('.conversation').ondragover = (event) => event.preventDefault();
    $('.conversation').ondrop = (event) => {
      event.preventDefault();
      this.#sendFiles(event.dataTransfer.files);
    };
    $('#leave').onclick = () => this.#conversation.leave();
    addEventListener('beforeunload', (event) => {
      const unsaved = [...this.#kept].some((transfer) => !transfer.saved);
      if (unsaved || this.#conversation?.isTransferring) event.preventDefault();
    });
    addEventListener('pagehide', () => this.#conversation?.abandon());
    this.#update();
  }

  #join() {
    const room = $('#room').value.trim();
    $('#room').value = room;
    this.#joinedAt = performance.now();
    $('#problem').hidden = true;
    const name = $('#name').value.trim();
    const conversation = this.#conversation = new Conversation(room, name, this.#kept, {
      changed: () => { if (conversation === this.#conversation) this.#update(); },
      note: (text) => this.#note(text),
      said: (text, byUs) => this.#log.say(byUs ? 'You' : conversation.peerName, text, byUs ? 'ours' : 'theirs'),
      transfer: (transfer) => this.#log.follow(transfer, transfer.sending ? 'You' : conversation.peerName, this.#kept),
      path: (path) => this.#showPath(path),
    });
    this.#showPath(undefined);
    this.#update();
  }

  #send() {
    const text = $('#text').value;
    if (text.trim() === '' || !this.#conversation) return;
    const problem = this.#conversation.send(text);
    this.#complain(problem);
    if (problem) return;
    $('#text').value = '';
    this.#fitText();
    $('#text').focus();
  }

  #sendFiles(files) {
    for (const file of files) this.#complain(this.#conversation?.sendFile(file) ?? 'Nobody is connected. The file was not sent.');
  }

  #complain(problem) {
    $('#problem').textContent = problem;
    $('#problem').hidden = !problem;
  }

  #fitText() {
    const text = $('#text');
    text.style.height = 'auto';
    text.style.height = `${Math.min(text.scrollHeight + 2, 160)}px`;
  }

  #note(text) {
    const item = make('li');
    item.append(make('span', ((performance.now() - this.#joinedAt) / 1000).toFixed(2), 'number'), make('span', text));
    $('#timeline').append(item);
    if ($('#timeline').children.length > MAX_TIMELINE) $('#timeline').firstChild.remove();
    $('#timeline').scrollTop = $('#timeline').scrollHeight;
  }

  #update() {
    const {phase = 'idle', status = '', failed, silent, signaling, call, peerName} = this.#conversation ?? {};
    document.body.dataset.phase = phase;
    const running = phase !== 'idle' && phase !== 'over';
    const talking = phase === 'talking';
    $('#status-line').hidden = $('.talk').hidden = phase === 'idle';
    const style = failed ? 'bad' : silent ? 'warn' : talking ? 'good' : 'plain';
    const sentence = talking && silent ?
      `Nothing has come from ${peerName} for some seconds. Waiting for it to come back.` : status;
    if (this.#said !== `${phase} ${sentence}`) {
      this.#said = `${phase} ${sentence}`;
      const tag = failed ? 'failed' : silent ? 'silent' : TAGS[phase] ?? '';
      $('#status').replaceChildren(make('span', tag, `tag ${style}`), ' ', make('span', sentence));
    }
    for (const button of ['#send', '#attach']) $(button).disabled = !talking;
    // What was typed and not sent stays in sight.
    $('#composer').hidden = !talking && $('#text').value === '';
    $('#leave').hidden = !running;
    $('#join').hidden = running;
    $('#join [type=submit]').textContent = phase === 'over' ? 'Join again' : 'Join';
    $('#signaling').textContent = SIGNALING_WORDS[signaling] ?? '';
    $('#connection').textContent = CONNECTION_WORDS[call && phase === 'over' && failed ? 'failed' : call?.state ?? 'new'];
    if (phase !== this.#phase) this.#enter(phase, this.#phase);
  }

  #enter(phase, before) {
    const {status, failed, peerName} = this.#conversation ?? {};
    this.#phase = phase;
    this.#onPhase(phase);
    if (phase === 'connecting') {
      this.#log.note(`${peerName} is here.`);
    } else if (phase === 'talking') {
      this.#complain('');
      $('#text').focus({preventScroll: true});
    } else if (['connecting', 'talking', 'leaving'].includes(before) && phase !== 'leaving') {
      this.#log.note(status, failed);
    }
  }

  #showPath(path) {
    const {call} = this.#conversation ?? {};
    $('#own').textContent = call?.ownAddresses ?? '';
    $('#theirs').textContent = call?.theirAddresses ?? '';
    $('#path').replaceChildren();
    const milliseconds = path?.roundTrip === undefined ? undefined : path.roundTrip * 1000;
    $('#round-trip').textContent = milliseconds === undefined ? '' : `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms`;
    $('#traffic').textContent = path ? `${showBytes(path.sent)} sent, ${showBytes(path.received)} received` : '';
    if (!path) return;
    $('#path').dataset.kind = path.kind;
    $('#path').append(make('strong', path.kind), make('span', `. ${path.sentence}`),
      make('small', `here: ${path.local}`), make('small', `there: ${path.remote}`));
  }
}

/** Fills in `#talk`. `onPhase` is called with each new phase, 'idle' at first. */
export function startTalk(onPhase) {
  $('#talk').innerHTML = MARKUP;
  const parameters = new URLSearchParams(location.search);
  $('#room').value = parameters.get('room') || randomRoom();
  return new Talk(onPhase);
}
