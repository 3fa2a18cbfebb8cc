import {SIGNALING} from '../shared/room.js';
import {isLocalServer, offerCopy, startTalk} from '../shared/talk.js';

const $ = (selector) => document.querySelector(selector);

function showCommand() {
  // A word for the shell, whatever is in it.
  const word = (text) => /^[\w.-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
  // Both on one machine: it may have no network.
  const loopback = isLocalServer ? ' --loopback' : '';
  const room = word($('#room').value.trim());
  $('#command').value = [`chat --signal ${SIGNALING}`, `--room ${room}`, `--save .${loopback}`].join(' \\\n  ');
  $('#command').style.height = 'auto';
  $('#command').style.height = `${$('#command').scrollHeight + 2}px`;
}

startTalk((phase) => {
  $('#invitation').hidden = phase !== 'idle' && phase !== 'joining' && phase !== 'waiting' && phase !== 'over';
});
offerCopy($('#command'), $('#copy'));
$('#room').oninput = showCommand;
addEventListener('resize', showCommand);
showCommand();
