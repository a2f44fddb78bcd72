import { chmod, lstat, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { err, ok, type Result } from '../result.ts';
import type { Metrics } from './metrics.ts';
import type { MetricsAddress } from './metrics-address.ts';

/** Serves the metrics until it is closed. The error is one sentence. */
export async function serveMetrics(
  metrics: Metrics,
  address: MetricsAddress,
): Promise<Result<{ readonly close: () => Promise<void> }, string>> {
  const server = createServer((request, response) => {
    if (request.method !== 'GET' || request.url?.split('?')[0] !== '/metrics') {
      response.writeHead(404).end('See /metrics.\n');
      return;
    }
    async function answer(): Promise<void> {
      const text = await metrics.text();
      response.writeHead(200, { 'content-type': metrics.contentType }).end(text);
    }
    void answer();
  });
  // The agent is the only one of its state directory, so an existing socket was left by a killed agent.
  if (address.kind === 'unix') {
    const there = await lstat(address.path).catch(() => null);
    // Anything else at that path is not the agent's to remove.
    if (there !== null && !there.isSocket())
      return err(`Could not serve metrics: ${address.path} exists and is not a socket.`);
    await rm(address.path, { force: true });
  }
  const listening = await new Promise<string | null>((resolve) => {
    server.once('error', (error) => resolve(error.message));
    const where = address.kind === 'unix' ? { path: address.path } : { host: address.host, port: address.port };
    server.listen(where, () => resolve(null));
  });
  if (listening !== null) return err(`Could not serve metrics: ${listening}.`);
  if (address.kind === 'unix') await chmod(address.path, 0o660);
  return ok({
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  });
}
