// Candidates and their pairs in plain words.

const TYPES = {
  host: 'local', srflx: 'seen by a STUN server', prflx: 'seen by the other side', relay: 'on a relay',
};

export function nameOfType(type) { return TYPES[type] ?? type; }

/** Addresses that do not leave their network (RFC 1918, 3927, 4193, 4291), and names that stand for such (mDNS). */
function isOfLocalNetwork(address) {
  return /^(10\.|127\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|169\.254\.|::1$|fe[89ab]|f[cd])/i.test(address) || address.endsWith('.local');
}

function isLoopback(address) { return /^127\.|^::1$/.test(address); }

/** Whether others see this end at an address that a NAT gave it. Reflexive addresses are local ones where nothing changes
 * them, and only the names that hide them differ. */
function isBehindNat({candidateType, address}) {
  return (candidateType === 'srflx' || candidateType === 'prflx') && Boolean(address) && !isOfLocalNetwork(address);
}

function words(local, remote, seenAt) {
  if (local.candidateType === 'relay' || remote.candidateType === 'relay') {
    const whose = local.candidateType !== 'relay' ? "the other side's relay" :
      remote.candidateType !== 'relay' ? 'our relay' : 'the relays of both';
    return ['relayed', `By way of ${whose}, because nothing more direct worked. The relay cannot read it.`];
  }
  if (seenAt.has(remote.address)) return ['direct', 'Both are seen at one address: they share a machine or a NAT.'];
  const ours = isBehindNat(local);
  const theirs = isBehindNat(remote);
  if (ours && theirs) return ['through both NATs', 'Straight to the other side: both NATs let it through.'];
  if (ours) return ['through your NAT', 'Straight to the other side: your NAT lets it through.'];
  if (theirs) return ["through the other side's NAT", "Straight to the other side: its NAT lets it through."];
  const addresses = [local.address, remote.address].filter(Boolean);
  if (addresses.length > 0 && addresses.every(isLoopback)) return ['direct', 'Both are on this machine.'];
  if (addresses.some(isOfLocalNetwork)) return ['direct', 'Both are in one network, and nobody is between them.'];
  return ['direct', 'Nothing is between the two that changes addresses.'];
}

function end({address, port, candidateType = 'unknown', protocol, relayProtocol}) {
  // Browsers hide their addresses from pages that may not use the camera.
  const where = address ? `${address.includes(':') ? `[${address}]` : address}:${port}` : '(address hidden)';
  return `${candidateType} ${where} ${relayProtocol ? `${relayProtocol} to the relay` : protocol}`;
}

/** Of statistics; `seenAt` is a set of the addresses at which STUN servers see this end. */
export function describePair(pair, local, remote, seenAt) {
  const [kind, sentence] = words(local, remote, seenAt);
  return {
    kind, sentence, types: `${local.candidateType} to ${remote.candidateType}`, local: end(local), remote: end(remote),
    roundTrip: pair.currentRoundTripTime, sent: pair.bytesSent ?? 0, received: pair.bytesReceived ?? 0,
  };
}
