import {$, MediaPage, offerSound, showCommand} from '../shared/media-page.js';
import {offerCopy} from '../shared/talk.js';

new MediaPage('watch', () => undefined);
offerSound($('#video'), $('#sound'));
showCommand($('#command'), 'media_send');
offerCopy($('#command'), $('#copy'));
