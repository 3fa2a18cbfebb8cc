// browser_peer.mjs BROWSER EXECUTABLE: a browser's RTCPeerConnection, driven by the lines of examples/peer_stdio.
import {readFileSync} from 'node:fs';
import {createServer} from 'node:http';
import {createInterface} from 'node:readline';

import {withPage} from './browser.mjs';

const [name, executable] = process.argv.slice(2);
const script = readFileSync(new URL('./line_peer.js', import.meta.url), 'utf8');

// A page of its own, because about:blank is no secure context and has no crypto.subtle.
const server = createServer((request, response) => {
  response.writeHead(200, {'Content-Type': 'text/html'});
  response.end('<!doctype html><title>peer</title>');
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

await withPage(name, executable, async (page) => {
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  await page.exposeFunction('tell', (line) => process.stdout.write(line + '\n'));
  await page.evaluate(script + `\nglobalThis.peer = new LinePeer(RTCPeerConnection, (event) => tell(JSON.stringify(event)));`);
  console.log(JSON.stringify({event: 'ready'}));
  for await (const line of createInterface({input: process.stdin})) {
    const command = JSON.parse(line);
    if (command.command === 'quit') break;
    // Commands are answered in their order, but one that waits does not hold up the next.
    page.evaluate((given) => { peer.take(given); }, command);
  }
});
process.exit(0);  // An input that stays open would keep it alive.
