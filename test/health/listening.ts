import { createServer, type AddressInfo, type Server, type Socket as Connection } from 'node:net';
import { afterEach } from 'vitest';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A server at some port of 127.0.0.1, until the test is over: its port. */
export const listening = async (serve: (connection: Connection) => void): Promise<number> => {
  const server = createServer((connection) => {
    connection.setEncoding('latin1');
    connection.on('error', () => connection.destroy());
    serve(connection);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
};
