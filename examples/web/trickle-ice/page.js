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

function complain(text) {
  $('#problem').textContent = text;
  $('#problem').hidden = !text;
}

// -------------------------------------------------------------------------------------- the results

class Results {
  constructor(section) {
    this.section = section;
    section.append($('#results').content.cloneNode(true));
  }

  clear(text) {
    $('tbody', this.section).replaceChildren();
    $('.errors', this.section).replaceChildren();
    this.candidates = [];
    this.errors = [];
    this.note(text);
  }

  note(text) { $('.summary', this.section).textContent = text; }

  add(candidate) {
    this.candidates.push(candidate);
    const row = document.createElement('tr');
    const cell = (text, ...names) => {
      const made = document.createElement('td');
      made.textContent = text;
      made.classList.add(...names.filter(Boolean));
      row.append(made);
      return made;
    };
    cell(candidate.ms.toFixed(0), 'number');
    cell(candidate.type, 'type', candidate.type);
    cell(candidate.tcpType ? `${candidate.protocol} ${candidate.tcpType}` : candidate.protocol);
    const address = cell(`${candidate.address} ${candidate.port}`, 'address');
    if (candidate.url) {
      const from = document.createElement('small');
      from.textContent = `by ${candidate.url}`;
      address.append(from);
    }
    const {priority} = candidate;
    cell(`${priority >>> 24} | ${(priority >> 8) & 0xffff} | ${priority & 0xff}`);
    $('tbody', this.section).append(row);
    showVerdict();
  }

  fail(error) {
    this.errors.push(error);
    const item = document.createElement('li');
    item.textContent = `${error.url}${error.address ? ` from ${error.address}` : ''}: ${error.code} ${error.text}`;
    $('.errors', this.section).append(item);
    showVerdict();
  }

  done(ms) {
    this.note(`${this.candidates.length} candidates, all done after ${ms.toFixed(0)} ms`);
    this.finished = true;
    showVerdict();
  }
}

const browser = new Results($('#browser'));
const floe = new Results($('#floe'));
browser.clear('Nothing gathered yet.');
floe.clear('Nothing gathered yet.');

// Servers are compared without their defaults: "stun:a" and "stun:a:3478" are one.
function normal(url) {
  const match = /^(stuns?|turns?):(\[[^\]]*\]|[^:?]*)(?::(\d+))?(?:\?transport=(udp|tcp))?$/i.exec(url ?? '');
  if (!match) return url;
  const [, scheme, host, port, transport] = match;
  const secure = scheme.toLowerCase().endsWith('s');
  const turn = scheme.toLowerCase().startsWith('turn');
  return [scheme.toLowerCase(), host, port ?? (secure ? 5349 : 3478), transport ?? (turn ? (secure ? 'tcp' : 'udp') : '')].join(' ');
}

function outcome(results, url) {
  const mine = (thing) => normal(thing.url) === normal(url);
  const parts = results.candidates.filter(mine).map((found) => [`${found.type} ${found.address} in ${found.ms.toFixed(0)} ms`, found.type]);
  if (parts.length === 0) parts.push(...results.errors.filter(mine).map((error) => [`${error.code} ${error.text}`, 'bad']));
  if (parts.length === 0) parts.push([results.finished ? 'nothing new' : '…', '']);
  return parts;
}

let asked = [];
function showVerdict() {
  $('#verdict').hidden = asked.length === 0;
  $('#verdict tbody').replaceChildren(...asked.map((url) => {
    const row = document.createElement('tr');
    const name = document.createElement('td');
    name.textContent = url;
    row.append(name);
    for (const results of [browser, floe]) {
      const cell = document.createElement('td');
      for (const [text, style] of outcome(results, url)) {
        const line = document.createElement('div');
        line.textContent = text;
        if (style) line.classList.add(style);
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
  mine.onicecandidate = ({candidate}) => {
    if (!candidate) return browser.done(since());
    if (!candidate.candidate) return undefined;
    return browser.add({ms: since(), type: candidate.type, protocol: candidate.protocol, tcpType: candidate.tcpType,
      address: candidate.address ?? '(hidden)', port: candidate.port, priority: candidate.priority, url: candidate.url});
  };
  mine.onicecandidateerror = (event) => browser.fail({url: event.url, code: event.errorCode, text: event.errorText,
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
  if (refused) floe.note(`refused: ${refused}`);
}

// --------------------------------------------------------------------------------------------- together

$('#add').onclick = () => addServer();
$('#form').onsubmit = async (event) => {
  event.preventDefault();
  complain('');
  const servers = chosenServers();
  const policy = $('#policy').value;
  asked = servers.flatMap(({urls}) => urls);
  browser.finished = floe.finished = false;
  browser.clear('gathering…');
  floe.clear(partner ? 'gathering…' : 'no floe-ice is here');
  showVerdict();
  run += 1;
  if (partner) say({type: 'signal', to: partner, data: {gather: {run, servers, policy}}});
  try {
    await gatherHere(servers, policy);
  } catch (problem) {
    browser.note(problem.message);
    complain(`This browser refuses: ${problem.message}`);
  }
};
listen();
