import {$, MediaPage, showCommand} from '../shared/media-page.js';
import {offerOwn} from '../shared/own.js';
import {offerCopy} from '../shared/talk.js';

const begin = offerOwn();
new MediaPage('publish', async () => {
  const own = await begin();
  $('#video').srcObject = own.stream;
  return own;
});
showCommand($('#command'), 'media_record');
offerCopy($('#command'), $('#copy'));
