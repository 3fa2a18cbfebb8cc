// The browser's RTCPeerConnection gathers here; floe's agent gathers in a floe-ice that waits in the same room of the
// signalling server (`floe-ice --serve`) and tells each result as it comes.
const $ = (selector, root = document) => root.querySelector(selector);
const ROOM = new URLSearchParams(location.search).get('room') ?? 'trickle-ice';

// ---------------------------------------------------------------------------------------- the form

function addServer({url = '', username = '', credential = ''} = {}) {
  const line = $('#server').content.firstElementChild.cloneNode(true);
  Object.entries({url, username, credential}).forEach(([name, value]) => { $(`[name=${name}]`, line).value = value; });
  $('button', line).onclick = () => line.remove();
  $('#servers').append(line);
}

function chosenServers() {
  return [...document.querySelectorAll('.server')].map((line) => {
    const field = (name) => $(`[name=${name}]`, line).value.trim();
    const server = {urls: [field('url')]};
    if (field('username')) server.username = field('username');
    if (field('credential')) server.credential = field('credential');
    return server;
  });
}

// -------------------------------------------------------------------------------------- the results

function make(tag, text = '', style = '') {
  const made = document.createElement(tag);
  made.textContent = text;
  made.className = style;
  return made;
}

class Results {
  constructor(section) {
    this.section = section;
    section.append($('#results').content.cloneNode(true));
    this.clear('Nothing gathered yet.');
  }

  clear(text) {
    $('tbody', this.section).replaceChildren();
    $('.errors', this.section).replaceChildren();
    this.candidates = [];
    this.errors = [];
    this.started = undefined;
    this.note(text);
  }

  start() {
    this.clear('');
    this.started = performance.now();
    this.tick();
  }

  note(text) { $('.summary', this.section).textContent = text; }

  /** Some answers are long in coming: shows that they are waited for. */
  tick() {
    if (this.started === undefined) return;
    this.note(`${this.candidates.length} candidates so far, gathering for ${((performance.now() - this.started) / 1000).toFixed(0)} s`);
  }

  add(candidate) {
    this.candidates.push(candidate);
    const row = make('tr');
    const cell = (text, style) => {
      row.append(make('td', text, style));
      return row.lastChild;
    };
    cell(candidate.ms.toFixed(0), 'ms number');
    cell('', 'type').append(make('span', candidate.type, `tag ${candidate.type}`));
    cell(candidate.tcpType ? `${candidate.protocol} ${candidate.tcpType}` : candidate.protocol, 'protocol');
    const address = cell(candidate.address, 'address');
    if (candidate.url) address.append(make('small', `by ${candidate.url}`));
    cell(candidate.port, 'port number');
    const {priority} = candidate;
    cell(priority, 'priority').append(make('small', `${priority >>> 24} | ${(priority >> 8) & 0xffff} | ${256 - (priority & 0xff)}`));
    $('tbody', this.section).append(row);
    showVerdict();
  }

  fail(error) {
    this.errors.push(error);
    const where = `${error.url}${error.address ? ` from ${error.address}` : ''}`;
    $('.errors', this.section).append(make('li', `${where}: ${error.code} ${error.text}`));
    showVerdict();
  }

  done(ms) {
    this.started = undefined;
    this.finished = true;
    this.note(`${this.candidates.length} candidates, all done after ${ms.toFixed(0)} ms`);
    showVerdict();
  }

  /** It will not gather this time, and why. */
  giveUp(why) {
    this.clear(why);
    this.absent = true;
    showVerdict();
  }
}

const browser = new Results($('#browser'));
const floe = new Results($('#floe'));
setInterval(() => [browser, floe].forEach((results) => results.tick()), 1000);

// Servers are compared without their defaults: "stun:a" and "stun:a:3478" are one.
function normal(url) {
  const match = /^(stuns?|turns?):(\[[^\]]*\]|[^:?]*)(?::(\d+))?(?:\?transport=(udp|tcp))?$/i.exec(url ?? '');
  if (!match) return url;
  const [, scheme, host, port, transport] = match;
  const secure = scheme.toLowerCase().endsWith('s');
  const turn = scheme.toLowerCase().startsWith('turn');
  return [scheme.toLowerCase(), host, port ?? (secure ? 5349 : 3478), transport ?? (turn ? (secure ? 'tcp' : 'udp') : '')].join(' ');
}

/** What came of the server, as lines of [tag, its style, text]. */
function outcome(results, url) {
  const mine = (thing) => normal(thing.url) === normal(url);
  const found = results.candidates.filter(mine).map(({type, address, port, ms}) =>
    [type, type, `${address} port ${port} in ${ms.toFixed(0)} ms`]);
  if (found.length > 0) return found;
  // Chromium asks a TURN server for a reflexive address too, and tells of that under a stun: URI.
  const asStun = (thing) => normal(thing.url) === normal(url.replace(/^turn:([^?]*).*/i, 'stun:$1'));
  const errors = results.errors.filter((error) => mine(error) || asStun(error)).map(({code, text}) => [code, 'bad', text]);
  if (errors.length > 0) return errors;
  if (results.absent) return [['', '', 'not asked']];
  if (!results.finished) return [['', '', 'waiting…']];
  if (asked.policy === 'relay' && /^stun/i.test(url)) return [['', '', 'not asked: relay only']];
  // Firefox does not tell which server a candidate is from.
  if (results.candidates.some((candidate) => candidate.type !== 'host' && !candidate.url)) return [['', '', 'no error; see below']];
  return [['', '', 'no new candidate, no error']];
}

let asked = {urls: [], policy: 'all'};
function showVerdict() {
  $('#verdict').hidden = asked.urls.length === 0;
  $('#verdict tbody').replaceChildren(...asked.urls.map((url) => {
    const row = make('tr');
    row.append(make('td', url, 'address'));
    for (const [results, name] of [[browser, 'this browser'], [floe, 'floe']]) {
      const cell = make('td');
      cell.dataset.name = name;
      for (const [tag, style, text] of outcome(results, url)) {
        const line = make('div');
        if (tag) line.append(make('span', tag, `tag ${style}`), ' ');
        line.append(make('span', text, tag ? '' : 'dim'));
        cell.append(line);
      }
      row.append(cell);
    }
    return row;
  }));
}

// ---------------------------------------------------------------------------------- this browser's agent

let connection;
async function gatherHere(servers, policy) {
  connection?.close();
  const mine = connection = new RTCPeerConnection({iceServers: servers, iceTransportPolicy: policy});
  const started = performance.now();
  const since = () => performance.now() - started;
  mine.onicecandidate = ({candidate, url}) => {
    if (!candidate) return browser.done(since());
    if (!candidate.candidate) return undefined;
    return browser.add({ms: since(), type: candidate.type, protocol: candidate.protocol, tcpType: candidate.tcpType,
      address: candidate.address ?? '(hidden)', port: candidate.port, priority: candidate.priority, url: candidate.url ?? url});
  };
  mine.onicecandidateerror = (event) => browser.fail({url: event.url, code: event.errorCode,
    text: event.errorText || '(no reason given)',  // Firefox
    address: event.address ? `${event.address} ${event.port ?? ''}` : ''});
  mine.createDataChannel('gather');
  await mine.setLocalDescription();
}

// ----------------------------------------------------------------------------------------- floe's agent

let socket, partner;
let run = 0;
const say = (message) => socket.send(JSON.stringify(message));

function showLink() {
  $('#link').textContent = partner ? 'A floe-ice is here: it gathers along.' :
    `No floe-ice is here yet. Start one: floe-ice --serve ${socket.url}${ROOM === 'trickle-ice' ? '' : ` --room ${ROOM}`}`;
  $('#link').classList.toggle('bad', !partner);
}

function meet(peers) {
  partner = peers.find((peer) => peer.name === 'floe-ice')?.id ?? partner;
  showLink();
}

function listen() {
  socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/signal`);
  socket.onopen = () => say({type: 'join', room: ROOM, name: 'page'});
  socket.onclose = () => {
    partner = undefined;
    $('#link').textContent = 'The signalling server is gone: reload the page when floe-signal runs again.';
    $('#link').classList.add('bad');
  };
  socket.onmessage = ({data}) => {
    const message = JSON.parse(data);
    if (message.type === 'joined') {
      meet(message.peers);
      if (!document.querySelector('.server')) {
        (message.iceServers ?? []).forEach(({urls, username, credential}) =>
          [urls].flat().forEach((url) => addServer({url, username, credential})));
      }
    } else if (message.type === 'peer-joined') {
      meet([message.peer]);
    } else if (message.type === 'peer-left' && message.id === partner) {
      partner = undefined;
      showLink();
    } else if (message.type === 'signal' && message.from === partner && message.data.run === run) {
      hear(message.data);
    }
  };
}

function hear({candidate, error, done, refused}) {
  if (candidate) floe.add(candidate);
  if (error) floe.fail(error);
  if (done) floe.done(done.ms);
  if (refused) floe.giveUp(`floe-ice refuses: ${refused}`);
}

// --------------------------------------------------------------------------------------------- together

$('#add').onclick = () => addServer();
$('#form').onsubmit = async (event) => {
  event.preventDefault();
  const servers = chosenServers();
  const policy = $('#policy').value;
  asked = {urls: servers.flatMap(({urls}) => urls), policy};
  run += 1;
  for (const results of [browser, floe]) {
    results.finished = results.absent = false;
    results.start();
  }
  showVerdict();
  if (partner) say({type: 'signal', to: partner, data: {gather: {run, servers, policy}}});
  else floe.giveUp('No floe-ice is here.');
  try {
    await gatherHere(servers, policy);
  } catch (problem) {
    browser.giveUp(`This browser refuses: ${problem.message}`);
  }
};
listen();
