import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readMetricsAddress } from '../../src/agent/metrics-address.ts';
import { serveMetrics } from '../../src/agent/metrics-server.ts';
import { createMetrics } from '../../src/agent/metrics.ts';
import { systemClock } from '../../src/clock.ts';

const subject = { instance: 'web', project: 'default', remote: null };

test('counts runs, answers, relays and servers', async () => {
  const metrics = await createMetrics({
    version: '1.2.3',
    clock: systemClock,
    lastKept: async () => 1_700_000_000_000,
  });
  metrics.record({ type: 'server-connected', server: 'project default' });
  metrics.record({ type: 'relay-up', ...subject });
  await Promise.resolve();
  metrics.record({ type: 'transaction-answered', ...subject, reply: 'go r guard-r 43', ms: 120 });
  metrics.record({ type: 'transaction-ended', ...subject, run: 'r', outcome: 'rolled-back', ms: 20_000 });
  const text = await metrics.text();
  expect(text).toContain('guard_agent_info{version="1.2.3"} 1');
  expect(text).toContain('guard_agent_relay_up{remote="",project="default",instance="web"} 1');
  expect(text).toContain('guard_agent_runs_total{outcome="rolled-back",remote="",project="default",instance="web"} 1');
  expect(text).toContain('guard_agent_answer_duration_seconds_count{answer="go"} 1');
  expect(text).toContain(
    'guard_agent_last_kept_timestamp_seconds{remote="",project="default",instance="web"} 1700000000',
  );
  metrics.record({ type: 'relay-closed', ...subject });
  expect(await metrics.text()).not.toContain('guard_agent_relay_up{remote');
  metrics.record({ type: 'relay-down', ...subject, message: 'gone' });
  expect(await metrics.text()).toContain('guard_agent_relay_up{remote="",project="default",instance="web"} 0');
});

test.each([
  ['9469', { kind: 'port', host: '127.0.0.1', port: 9469 }],
  ['localhost:9469', { kind: 'port', host: '127.0.0.1', port: 9469 }],
  ['[::1]:9469', { kind: 'port', host: '::1', port: 9469 }],
  ['unix:/run/guard.sock', { kind: 'unix', path: '/run/guard.sock' }],
])('%s is an address of this machine alone', (text, address) => {
  expect(readMetricsAddress(text)).toEqual({ ok: true, value: address });
});

test.each(['0.0.0.0:9469', '192.0.2.1:9469', '70000', '0', 'unix:relative', '', ':9469'])('%s is none', (text) => {
  expect(readMetricsAddress(text).ok).toBe(false);
});

test('serves them on a unix socket, also where a killed agent has left one', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'guard-metrics-'));
  const path = join(folder, 'metrics.sock');
  const metrics = await createMetrics({ version: '1', clock: systemClock, lastKept: async () => null });
  const get = (url: string): Promise<{ status: number | undefined; body: string }> =>
    new Promise((resolve, reject) => {
      const asked = request({ socketPath: path, path: url }, (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => (body += chunk.toString()));
        response.on('end', () => resolve({ status: response.statusCode, body }));
      });
      asked.on('error', reject);
      asked.end();
    });
  try {
    const first = await serveMetrics(metrics, { kind: 'unix', path });
    const second = await serveMetrics(metrics, { kind: 'unix', path });
    expect(await get('/metrics')).toMatchObject({ status: 200, body: expect.stringContaining('guard_agent_info') });
    expect((await get('/other')).status).toBe(404);
    if (first.ok) await first.value.close();
    if (second.ok) await second.value.close();
    expect([first.ok, second.ok]).toEqual([true, true]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a file that is no socket is not removed for one', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'guard-metrics-'));
  const path = join(folder, 'precious');
  await writeFile(path, 'content');
  const metrics = await createMetrics({ version: '1', clock: systemClock, lastKept: async () => null });
  const served = await serveMetrics(metrics, { kind: 'unix', path });
  expect(served).toMatchObject({ ok: false, error: expect.stringContaining('is not a socket') });
  expect(await readFile(path, 'utf8')).toBe('content');
  await rm(folder, { recursive: true });
});
