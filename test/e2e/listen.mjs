// Listens on ports, and prints a line with the name of a port whenever somebody comes to it:
//   node listen.mjs ADDRESS '{"name": tcp port, …}' '{"name": udp port, …}'
// A process of its own, because it may have to run in the network namespace of the server under test.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

const [address, tcp, udp] = process.argv.slice(2);
const came = (what) => process.stdout.write(`came ${what}\n`);
for (const [what, port] of Object.entries(JSON.parse(tcp))) {
  const server = createServer((socket) => {
    came(what);
    socket.unref().on('error', () => {});
    socket.end('220 hello\r\n');
  });
  server.unref().listen(port, address);
  await once(server, 'listening');
}
for (const [what, port] of Object.entries(JSON.parse(udp))) {
  const socket = createSocket('udp4', () => came(what));
  socket.unref().bind(port, address);
  await once(socket, 'listening');
}
process.stdout.write('listening\n');
// Nothing else keeps the process alive: it ends with the test, also with one that was killed.
process.stdin.resume();
