import {$, MediaPage, offerSound, showCommand} from '../shared/media-page.js';
import {offerOwn} from '../shared/own.js';
import {offerCopy} from '../shared/talk.js';

new MediaPage('echo', offerOwn());
offerSound($('#video'), $('#sound'));
showCommand($('#command'), 'echo');
offerCopy($('#command'), $('#copy'));
