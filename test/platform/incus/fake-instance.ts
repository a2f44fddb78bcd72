import { createHash, randomUUID } from 'node:crypto';

import { FakeError } from './fake-operations.ts';

/** A snapshot as the fake keeps it. */
export interface FakeSnapshot {
  name: string;
  created_at: string;
  expires_at: string;
  config: Record<string, string>;
  /** What the tests put there themselves has none. */
  files?: FakeInstance['files'];
}

/** An instance as the fake keeps it: enough for what the adapter reads and changes. */
export interface FakeInstance {
  readonly name: string;
  status: 'Running' | 'Stopped';
  ephemeral: boolean;
  description: string;
  config: Record<string, string>;
  snapshots: FakeSnapshot[];
  lastUsedAt: string;
  files: Map<string, { content: Buffer; mode: string; uid: string; gid: string }>;
}

export const newInstance = (name: string): FakeInstance => ({
  name,
  status: 'Running',
  ephemeral: false,
  description: '',
  lastUsedAt: new Date().toISOString(),
  config: { 'volatile.uuid.generation': 'g0', 'volatile.uuid': randomUUID() },
  snapshots: [],
  files: new Map(),
});

/** Like the real one it covers config and not the description, snapshots or files. */
export const etagOf = (instance: FakeInstance): string =>
  `"${createHash('sha256')
    .update(
      JSON.stringify([instance.ephemeral, Object.entries(instance.config).toSorted(([a], [b]) => (a < b ? -1 : 1))]),
    )
    .digest('hex')}"`;

const rootDisk = { root: { type: 'disk', path: '/', pool: 'default' } };

export const instanceJson = (instance: FakeInstance): Record<string, unknown> => ({
  name: instance.name,
  status: instance.status,
  type: 'container',
  ephemeral: instance.ephemeral,
  location: 'none',
  created_at: '2026-01-01T00:00:00Z',
  last_used_at: instance.lastUsedAt,
  description: instance.description,
  config: instance.config,
  devices: {},
  expanded_config: instance.config,
  expanded_devices: rootDisk,
  profiles: ['default'],
});

/** Covers the expiry alone. */
export const snapshotEtagOf = ({ expires_at }: FakeSnapshot): string => `"${expires_at}"`;

export const snapshotJson = ({ files: _files, ...snapshot }: FakeSnapshot): Record<string, unknown> => ({
  ...snapshot,
  stateful: false,
  devices: {},
  expanded_devices: rootDisk,
});

export const findSnapshot = (instance: FakeInstance, name: string): FakeSnapshot => {
  const snapshot = instance.snapshots.find((one) => one.name === name);
  if (!snapshot) throw new FakeError(404, 'Instance snapshot not found');
  return snapshot;
};

export const takeSnapshot = (instance: FakeInstance, name: string, expiresAt: string): void => {
  if (instance.snapshots.some((one) => one.name === name))
    throw new FakeError(500, 'UNIQUE constraint failed: instances_snapshots.instance_id, instances_snapshots.name');
  instance.snapshots.push({
    name,
    created_at: new Date().toISOString(),
    expires_at: expiresAt,
    config: { ...instance.config, 'volatile.last_state.power': instance.status === 'Running' ? 'RUNNING' : 'STOPPED' },
    files: new Map(instance.files),
  });
};

export const restoreTo = (instance: FakeInstance, name: string): void => {
  const snapshot = instance.snapshots.find((one) => one.name === name);
  if (!snapshot) throw new FakeError(500, `Snapshot ${instance.name}/${name} does not exist`);
  if (snapshot.files !== undefined) instance.files = new Map(snapshot.files);
  instance.config = { ...snapshot.config, 'volatile.uuid.generation': `g${Date.now()}-${Math.random()}` };
};

export const changeState = (instance: FakeInstance, action: unknown): void => {
  if (action === 'start' && instance.status === 'Running') throw new FakeError(400, 'The instance is already running');
  if (action === 'stop' && instance.status === 'Stopped') throw new FakeError(400, 'The instance is already stopped');
  if (action === 'start' && instance.config['security.protection.start'] === 'true')
    throw new FakeError(400, 'Instance has startup protection enabled');
  instance.status = action === 'start' ? 'Running' : 'Stopped';
  if (action === 'start')
    instance.lastUsedAt = `${new Date().toISOString().slice(0, -1)}${String(process.hrtime.bigint() % 1000n).padStart(3, '0')}Z`;
};

export const patch = (instance: FakeInstance, body: Record<string, unknown>): void => {
  // As Incus 6.0 does it: one that is left out is empty afterwards.
  instance.description = typeof body['description'] === 'string' ? body['description'] : '';
  for (const [key, value] of Object.entries((body['config'] ?? {}) as Record<string, string>))
    if (value === '') delete instance.config[key];
    else instance.config[key] = value;
};
