import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { connect, isIP, isIPv6 } from 'node:net';
import { decode, encode, RECURSION_DESIRED, streamEncode, type DecodedPacket } from 'dns-packet';
import type { DnsCheck } from '../../../check-definition.ts';
import { fillAddress } from '../address.ts';
import { answerOfNetworkError, failed, passed, type KindAnswer } from '../answer.ts';
import { sayRecord } from './dns-record.ts';
import type { KindTools } from './tools.ts';

/** Asks one name server one question, and compares the response code and the answers. */
export async function askDns(check: DnsCheck, tools: KindTools): Promise<KindAnswer> {
  const server = await fillAddress(check.server, tools.askAddresses);
  if (!server.ok) return server.error;
  const target = `${server.value} port ${check.port}`;
  try {
    const address = isIP(server.value) === 0 ? (await lookup(server.value)).address : server.value;
    const packet = await resolveAt(check, address, tools);
    return packet === null ? failed(`${target}: the reply is not a DNS answer`) : judged(check, packet);
  } catch (error) {
    return answerOfNetworkError(error, target);
  }
}

/** Null where what came cannot be read. Rejects with the network's error. */
async function resolveAt(check: DnsCheck, address: string, tools: KindTools): Promise<DecodedPacket | null> {
  const id = randomInt(0x10000);
  if (check.transport === 'tcp') return overTcp(check, address, id, tools.signal);
  const packet = await overUdp(check, address, id, tools);
  return packet?.flag_tc ? overTcp(check, address, id, tools.signal) : packet;
}

function questionOf(check: DnsCheck, id: number) {
  return {
    type: 'query' as const,
    id,
    flags: RECURSION_DESIRED,
    questions: [{ type: check.type, name: withoutDot(check.query), class: 'IN' as const }],
  };
}

async function overUdp(check: DnsCheck, address: string, id: number, tools: KindTools): Promise<DecodedPacket | null> {
  const question = encode(questionOf(check, id));
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  const over = new AbortController();
  tools.signal.addEventListener('abort', () => over.abort(), { once: true });
  try {
    return await new Promise((resolve, reject) => {
      socket.on('error', reject);
      over.signal.addEventListener('abort', () => resolve(null), { once: true });
      socket.on('message', (bytes) => {
        const packet = read(bytes);
        // An answer to another question may be a late one: it is waited on.
        if (packet === null) resolve(null);
        else if (answers(check, id, packet)) resolve(packet);
      });
      // Connected, so that "port unreachable" comes back as an error and strangers are not heard.
      socket.connect(check.port, address, () => {
        void sendAgainAndAgain(() => socket.send(question), check.timeoutMs, tools, over.signal);
      });
    });
  } finally {
    over.abort();
    socket.close();
  }
}

/** One datagram may be lost without anybody being ill. */
async function sendAgainAndAgain(
  send: () => void,
  timeoutMs: number,
  tools: KindTools,
  over: AbortSignal,
): Promise<void> {
  while (!over.aborted) {
    send();
    await tools.clock.sleep(Math.max(100, timeoutMs / 4), over);
  }
}

function overTcp(check: DnsCheck, host: string, id: number, signal: AbortSignal): Promise<DecodedPacket | null> {
  return new Promise((resolve, reject) => {
    const question = streamEncode(questionOf(check, id));
    const socket = connect({ host, port: check.port });
    let heard: Buffer = Buffer.alloc(0);
    function end(packet: DecodedPacket | null): void {
      resolve(packet);
      socket.destroy();
    }
    signal.addEventListener('abort', () => socket.destroy(), { once: true });
    socket.once('error', reject);
    socket.once('connect', () => socket.write(question));
    socket.on('data', (chunk: Buffer) => {
      heard = Buffer.concat([heard, chunk]);
      // Two bytes of length come first, so no answer is longer than 64 KiB.
      if (heard.length < 2 || heard.length < 2 + heard.readUInt16BE(0)) return;
      const packet = read(heard.subarray(2, 2 + heard.readUInt16BE(0)));
      end(packet !== null && answers(check, id, packet) ? packet : null);
    });
    socket.once('end', () => end(null));
  });
}

function read(bytes: Buffer): DecodedPacket | null {
  try {
    return decode(bytes);
  } catch {
    // The answer is untrusted: it may contain any bytes.
    return null;
  }
}

function answers(check: DnsCheck, id: number, packet: DecodedPacket): boolean {
  if (!packet.flag_qr || packet.id !== id) return false;
  const asked = packet.questions?.[0];
  // Servers that refuse may leave the question out.
  return asked === undefined || (asked.type === check.type && sameName(asked.name, check.query));
}

function judged(check: DnsCheck, packet: DecodedPacket): KindAnswer {
  const question = `${check.query} ${check.type}`;
  const rcode = rcodeOf(packet);
  const records = (packet.answers ?? []).filter((answer) => answer.type === check.type).map(sayRecord);
  const came = records.length === 0 ? 'no answer' : records.join(', ');
  if (rcode !== check.rcode) return failed(`${question}: ${rcode}, wanted ${check.rcode}`);
  const message = `${question}: ${rcode}, ${came}`;
  if (check.answers === null) return rcode === 'NOERROR' && records.length === 0 ? failed(message) : passed(message);
  const missing = check.answers.filter((wanted) => !records.some((record) => sameData(record, wanted)));
  return missing.length === 0 ? passed(message) : failed(`${message}; missing ${missing.join(', ')}`);
}

function rcodeOf(packet: DecodedPacket): string {
  return 'rcode' in packet ? String(packet.rcode) : 'NOERROR';
}

function sameData(a: string, b: string): boolean {
  return sameName(plainAddress(a), plainAddress(b));
}

/** One IPv6 address can be written in many ways. */
function plainAddress(text: string): string {
  return isIPv6(text) ? new URL(`http://[${text}]`).hostname : text;
}

function withoutDot(name: string): string {
  return name === '.' ? name : name.replace(/\.$/, '');
}

function sameName(a: string, b: string): boolean {
  return withoutDot(a).toLowerCase() === withoutDot(b).toLowerCase();
}
