// What watch, publish and echo have in common on the screen: the room, what is going on, and the figures.
import {readVideo} from './colour-code.js';
import {Figures, showLoss, showStream} from './figures.js';
import {Visit} from './visit.js';

export const $ = (selector) => document.querySelector(selector);
const MAX_TIMELINE = 200;
const PERIOD_MS = 1000;

const INSIGHT = `
<h2>What is going on</h2>
<dl>
  <dt>Connection</dt><dd id="connection"></dd>
  <dt>Path</dt><dd id="path"></dd>
  <dt>Round trip</dt><dd id="round-trip"></dd>
</dl>
<div id="streams"></div>
<h2>Time line <small>seconds since you began</small></h2>
<ol id="timeline" tabindex="0" aria-label="Time line"></ol>`;

const TAGS = {joining: 'joining', waiting: 'waiting', connecting: 'connecting', live: 'live', over: 'ended'};

function make(tag, text = '', style = '') {
  const made = document.createElement(tag);
  made.textContent = text;
  made.className = style;
  return made;
}

export class MediaPage {
  #wish;
  #began = 0;
  #figures = new Figures();
  #timer;
  #own;
  visit;

  /** `begin()` returns {stream, stop(), age()?} of what is to be sent, as own.js has it, or nothing; it may fail. */
  constructor(wish, begin) {
    this.#wish = wish;
    $('#insight').innerHTML = INSIGHT;
    $('#room').value = new URLSearchParams(location.search).get('room') || 'media';
    $('#join').onsubmit = (event) => {
      event.preventDefault();
      this.#begin(begin);
    };
    $('#leave').onclick = () => this.visit?.leave();
    addEventListener('pagehide', () => this.visit?.leave());
    this.#show('idle', '');
  }

  async #begin(begin) {
    this.#began = performance.now();
    $('#timeline').replaceChildren();
    $('#streams').replaceChildren();
    for (const place of ['#path', '#round-trip', '#connection']) $(place).replaceChildren();
    let own;
    try {
      own = await begin();
    } catch (problem) {
      return this.#show('over', `Nothing to send: ${problem.message}`, true);
    }
    this.#own = own;
    this.#figures = new Figures();
    const visit = this.visit = new Visit($('#room').value.trim(), this.#wish, own?.stream, {
      changed: () => this.#update(visit),
      note: (text) => this.#note(text),
      track: ({track}) => this.#play(track),
    });
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#measure(), PERIOD_MS);
    this.#show(visit.phase, visit.status);
  }

  #play(track) {
    const video = $('#video');
    if (!video) return;
    if (!video.srcObject) video.srcObject = new MediaStream();
    video.srcObject.addTrack(track);
    video.play().catch((problem) => {
      if (problem.name !== 'AbortError') this.#note(`The browser does not play it by itself: ${problem.message}`);
    });
  }

  #update(visit) {
    if (visit !== this.visit) return;
    this.#show(visit.phase, visit.status, visit.failed);
    if (visit.phase !== 'over') return;
    clearInterval(this.#timer);
    this.#own?.stop();
    this.#own = undefined;
    if ($('#video')) $('#video').srcObject = null;
  }

  #show(phase, status, failed = false) {
    document.body.dataset.phase = phase;
    const running = !['idle', 'over'].includes(phase);
    $('#join').hidden = running;
    $('#leave').hidden = !running;
    $('#status-line').hidden = phase === 'idle';
    $('.stage').hidden = phase === 'idle';
    const style = failed ? 'bad' : phase === 'live' ? 'good' : 'plain';
    $('#status').replaceChildren(make('span', failed ? 'failed' : TAGS[phase] ?? '', `tag ${style}`), ' ', make('span', status));
    $('#connection').textContent = this.visit?.connection?.connectionState ?? '';
    for (const hint of document.querySelectorAll('.while-waiting')) hint.hidden = !['idle', 'waiting', 'over'].includes(phase);
  }

  #note(text) {
    const item = make('li');
    item.append(make('span', ((performance.now() - this.#began) / 1000).toFixed(2), 'number'), make('span', text));
    $('#timeline').append(item);
    if ($('#timeline').children.length > MAX_TIMELINE) $('#timeline').firstChild.remove();
    $('#timeline').scrollTop = $('#timeline').scrollHeight;
  }

  async #measure() {
    const visit = this.visit;
    const report = await visit.report();
    if (!report || visit !== this.visit || visit.phase === 'over') return;
    const {streams, path} = this.#figures.take(report);
    $('#connection').textContent = visit.connection.connectionState;
    if (path) {
      $('#path').replaceChildren(make('strong', path.kind), make('span', `. ${path.sentence}`), make('small', `here: ${path.local}`),
        make('small', `there: ${path.remote}`));
      $('#round-trip').textContent = path.roundTrip === undefined ? '' : `${(path.roundTrip * 1000).toFixed(1)} ms`;
    }
    $('#streams').replaceChildren(...streams.map((stream) => this.#showFigures(stream)));
  }

  #showFigures(stream) {
    const list = make('dl');
    const add = (term, text) => list.append(make('dt', term), make('dd', text));
    const name = `${stream.kind === 'video' ? 'Pictures' : 'Sound'} ${stream.up ? 'sent' : 'received'}`;
    add(name, showStream(stream));
    add('Lost', showLoss(stream));
    if (stream.jitter !== undefined) add('Jitter', `${(stream.jitter * 1000).toFixed(1)} ms`);
    if (stream.kind === 'video') {
      add(stream.up ? 'Encoded' : 'Decoded', `${stream.frames ?? 0} pictures${stream.dropped ? `, ${stream.dropped} dropped` : ''}`);
      if (stream.up && stream.limitedBy) add('Limited by', stream.limitedBy === 'none' ? 'nothing' : stream.limitedBy);
      const number = stream.up || !$('#video') ? undefined : readVideo($('#video'));
      // What somebody's camera sees has no number.
      if (number !== undefined) add('Its colours say', `picture number ${number}`);
      // Up to 33 ms too much: the number changes that often.
      if (number !== undefined && this.#own?.age) add('There and back', `${(this.#own.age(number) * 1000).toFixed(0)} ms`);
    } else if (stream.level !== undefined) {
      const unheard = !stream.up && $('#video').muted;
      add('Loudness', stream.level > 0 ? `${(20 * Math.log10(stream.level)).toFixed(0)} dB` : unheard ? 'off' : 'silence');
    }
    Object.assign(list.dataset, {kind: stream.kind, way: stream.up ? 'up' : 'down', frames: stream.frames ?? 0,
      codec: stream.codec, level: stream.level ?? 0, energy: stream.energy ?? 0});
    return list;
  }
}

/** A button that lets the sound be heard: browsers begin to play by themselves only without. */
export function offerSound(video, button) {
  const show = () => { button.textContent = video.muted ? 'Sound on' : 'Sound off'; };
  button.onclick = () => {
    video.muted = !video.muted;
    show();
  };
  show();
}

/** The command that starts the other side. */
export function showCommand(field, program) {
  const signal = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/signal`;
  const word = (text) => /^[\w.-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
  const show = () => {
    field.value = `${program} --signal ${signal} --room ${word($('#room').value.trim())}`;
    field.style.height = 'auto';
    field.style.height = `${field.scrollHeight + 2}px`;
  };
  $('#room').addEventListener('input', show);
  addEventListener('resize', show);
  show();
}
