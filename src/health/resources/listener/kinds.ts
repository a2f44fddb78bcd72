import type { Facts, Owner, Socket } from '../../facts.ts';

/** The unit where there is one, else the process. */
export function nameOf(owner: Owner | null): string {
  return owner?.unit ?? owner?.process ?? '';
}

/** Ports of clients, of people's sessions, and those that are another one every time. */
export function passingSockets(facts: Facts): (socket: Socket) => boolean {
  const random = randomUdpSockets(facts);
  return (socket) => {
    const { owner, port, protocol } = socket;
    if (owner?.unit != null && /^(session-.*\.scope|user@[^/]*\.service|run-.*)$/.test(owner.unit)) return true;
    if (protocol === 'udp' && (port === 68 || port === 546)) return true;
    return socket.address.startsWith('fe80:') || random(socket);
  };
}

/** Where a server inside is told what to do by a tool of its own, such as rndc: nobody else has anything to say there. */
export function isForItsOwnTool({ address, port }: Socket): boolean {
  return (address === '::1' || address.startsWith('127.')) && toolPorts.has(port);
}

/** chronyc, rndc, nsd-control, unbound-control, dnsdist, varnishadm, Tomcat's shutdown, the shells of FRR. */
const toolPorts = new Set([323, 953, 8952, 8953, 5199, 6082, 8005, 2601, 2602, 2603, 2604, 2605, 2606, 2608, 2616]);

/**
 * Programs that ask questions over UDP hold a random port while they wait for the answer, and look as if they listened.
 * The kernel gives such ports from its range; resolvers choose theirs above 1024. A port that the same owner has for TCP
 * too, or that is known for a service, is meant.
 */
function randomUdpSockets({ ephemeralPorts: [low, high], sockets }: Facts): (socket: Socket) => boolean {
  const meant = new Set(
    sockets?.flatMap((one) => (one.protocol === 'tcp' ? [`${nameOf(one.owner)} ${one.port}`] : [])),
  );
  const asks = new Set(
    sockets?.flatMap((one) => (one.protocol === 'udp' && [53, 68, 546].includes(one.port) ? [nameOf(one.owner)] : [])),
  );
  return ({ protocol, port, owner }) => {
    if (protocol !== 'udp' || port < 1024 || knownUdp.has(port) || meant.has(`${nameOf(owner)} ${port}`)) return false;
    return (port >= low && port <= high) || port >= firstDynamicPort || asks.has(nameOf(owner));
  };
}

/** RFC 6335: relays and calls take theirs from here. */
const firstDynamicPort = 49_152;

/** Services that listen on UDP alone, on ports where a random one may also fall. */
const knownUdp = new Set([
  1194, 1434, 1645, 1646, 1701, 1812, 1813, 1814, 1900, 2055, 2049, 3478, 3479, 4500, 4569, 4789, 5060, 5061, 5246,
  5247, 5353, 5355, 5683, 5684, 6343, 6081, 6514, 8125, 9987, 9995, 10_110, 11_211, 12_201, 19_132, 25_565, 27_015,
  34_197, 41_641, 51_820, 64_738,
]);

/** Ports that nobody has written down: whoever needs the service finds it in another way, or is its own machine. */
export function isFoundOtherwise(
  { address, owner, port, protocol }: Socket,
  { before, after }: { readonly before: Facts; readonly after: Facts },
  movedTo: number | null,
): boolean {
  const process = owner?.process ?? '';
  if (process.startsWith('systemd-resolve')) {
    // Debian's systemd stopped answering LLMNR and mDNS by itself with version 257.
    if (port === 5355 || port === 5353) return true;
    // It answers for its own machine alone, and only where resolv.conf names it.
    return port === 53 && /^127\.0\.0\.5[34]$/.test(address) && after.network?.nameservers.includes(address) === false;
  }
  if (movedTo === null) return false;
  // What the port mapper knows is found by asking it: mountd and its like take any reserved port that is free.
  if (port < 1024 && movedTo < 1024 && /^(rpc\.|yp(bind|serv))/.test(process)) return true;
  // Ports that were given by the kernel are another one after every restart: those of rpc.statd, or of Java's RMI.
  const [low, high] = before.ephemeralPorts;
  return protocol === 'tcp' && port >= low && port <= high && movedTo >= low && movedTo <= high;
}
