import {isLocalServer, offerCopy, startTalk} from '../shared/talk.js';

const $ = (selector) => document.querySelector(selector);

function showLink() {
  const link = new URL(location.pathname, location.href);
  link.searchParams.set('room', $('#room').value.trim());
  $('#link').value = link;
  // Whoever reloads the page, or takes the link from the address bar, comes to the same room.
  history.replaceState(null, '', link);
}

startTalk((phase) => {
  $('#invitation').hidden = phase === 'connecting' || phase === 'talking' || phase === 'leaving';
});
offerCopy($('#link'), $('#copy'));
$('#local').hidden = !isLocalServer;
$('#room').oninput = showLink;
showLink();
