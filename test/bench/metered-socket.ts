import { createConnection, createServer } from 'node:net';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';

/** A socket that passes everything on to a server's, and counts it. */
export interface MeteredSocket {
  readonly path: string;
  readonly requests: () => number;
  readonly bytes: () => number;
  readonly close: () => Promise<void>;
}

/** Listens on `path` for clients of the server behind `target`. */
export const meterSocket = async (path: string, target: string): Promise<MeteredSocket> => {
  let requests = 0;
  let bytes = 0;
  const server = createServer((near) => {
    const far = createConnection(target);
    near.on('data', (chunk: Buffer) => {
      requests +=
        chunk.toString('latin1').match(/(?:GET|PUT|POST|PATCH|DELETE) \/1\.0\S* HTTP\/1\.1\r\n/g)?.length ?? 0;
      bytes += chunk.length;
    });
    far.on('data', (chunk: Buffer) => (bytes += chunk.length));
    near.pipe(far).pipe(near);
    near.on('error', () => far.destroy());
    far.on('error', () => near.destroy());
  });
  server.listen(path);
  await once(server, 'listening');
  return {
    path,
    requests: () => requests,
    bytes: () => bytes,
    close: async () => {
      server.close();
      await rm(path, { force: true });
    },
  };
};
