// Asks a service from outside, as its users do: status 0 where it answers as it should, within five seconds.
//   ask.mjs dns ADDRESS PORT NAME | tcp ADDRESS PORT | http ADDRESS PORT TEXT [PATH [SITE]] | line ADDRESS PORT TEXT [QUESTION]
//         | mail ADDRESS PORT RECIPIENT
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import dnsPacket from 'dns-packet';

const [kind, address, port, wanted, question, site = address] = process.argv.slice(2);
const signal = AbortSignal.timeout(5000);

const resolves = async () => {
  const socket = createSocket({ type: 'udp4', signal });
  const query = { type: 'query', id: 7, flags: dnsPacket.RECURSION_DESIRED, questions: [{ type: 'A', name: wanted }] };
  socket.send(dnsPacket.encode(query), Number(port), address);
  const [reply] = await once(socket, 'message', { signal });
  socket.close();
  return dnsPacket.decode(reply).answers.some(({ type, data }) => type === 'A' && data === '192.0.2.7');
};

const says = async (words) => {
  const socket = connect({ host: address, port: Number(port), signal });
  socket.setEncoding('utf8');
  await once(socket, 'connect', { signal });
  if (words) socket.write(words);
  let said = '';
  // Leaving the loop closes the connection.
  for await (const part of socket) {
    said += part;
    if (new RegExp(wanted).test(said)) return true;
  }
  return false;
};

/** Whether a mail server would take a message for the recipient. */
const takesMail = async () => {
  const socket = connect({ host: address, port: Number(port), signal });
  socket.setEncoding('utf8');
  const lines = ['EHLO corpus.example.test', 'MAIL FROM:<>', `RCPT TO:<${wanted}>`, 'QUIT'];
  let said = '';
  for await (const part of socket) {
    said += part;
    if (!/^\d{3}( .*)?\r\n$/m.test(said)) continue;
    if (!said.startsWith('2')) return false;
    if (lines.length === 1) return true;
    socket.write(`${lines.shift()}\r\n`);
    said = '';
  }
  return false;
};

const connects = async () => {
  const socket = connect({ host: address, port: Number(port), signal });
  await once(socket, 'connect', { signal });
  socket.destroy();
  return true;
};

const asking = {
  tcp: connects,
  dns: resolves,
  mail: takesMail,
  http: () => says(`GET ${question ?? '/'} HTTP/1.1\r\nHost: ${site}\r\nConnection: close\r\n\r\n`),
  line: () => says(question ? `${question}\r\n` : ''),
};
process.exitCode = (await asking[kind]().catch(() => false)) ? 0 : 1;
