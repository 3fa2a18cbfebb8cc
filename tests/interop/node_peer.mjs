// node_peer.mjs PACKAGE: the RTCPeerConnection of a package for node, driven by the lines of examples/peer_stdio.
import {createRequire} from 'node:module';
import {join} from 'node:path';
import {createInterface} from 'node:readline';

import './line_peer.js';

const require = createRequire(join(process.env.FLOE_NODE_PACKAGES, 'package.json'));
const {RTCPeerConnection} = require(process.argv[2]);

const peer = new LinePeer(RTCPeerConnection, (event) => process.stdout.write(JSON.stringify(event) + '\n'));
console.log(JSON.stringify({event: 'ready'}));
for await (const line of createInterface({input: process.stdin})) {
  const command = JSON.parse(line);
  if (command.command === 'quit') break;
  peer.take(command);
}
process.exit(0);
