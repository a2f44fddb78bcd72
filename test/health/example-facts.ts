import type { Facts, Owner, Process, Socket, Unit, UnixSocket } from '../../src/health/facts.ts';

/** A small Debian container in which all is well; `changes` replaces whole sections. */
export const facts = (changes: Partial<Facts> = {}): Facts => ({
  v: 1,
  init: { name: 'systemd', startTicks: 1000 },
  manager: { kind: 'systemd', answers: true, booted: true },
  units: {},
  unitFiles: [],
  ephemeralPorts: [32_768, 60_999],
  sockets: [],
  unixSockets: [],
  network: {
    addresses: [{ family: 4, address: '10.1.2.3', prefix: 24, interface: 'eth0', dynamic: true }],
    defaultRoutes: [{ family: 4, interface: 'eth0', gateway: '10.1.2.1' }],
    nameservers: ['10.1.2.1'],
  },
  packages: { manager: 'dpkg', installed: {}, broken: {}, interrupted: false },
  disk: {
    totalBytes: 20 * 2 ** 30,
    availableBytes: 10 * 2 ** 30,
    totalInodes: 1_000_000,
    availableInodes: 900_000,
    writable: true,
  },
  reboot: { required: false, packages: [] },
  processes: [],
  configuration: { signatures: {}, listenLines: {}, references: {}, zones: [] },
  answers: null,
  ...changes,
});

/** A long-running service that is up. */
export const service = (id: string, changes: Partial<Unit> = {}): Unit => ({
  id,
  names: [id],
  load: 'loaded',
  active: 'active',
  sub: 'running',
  result: 'success',
  type: 'notify',
  fileState: 'enabled',
  restarts: 0,
  mainPid: 100,
  exit: null,
  invocation: `invocation of ${id}`,
  transient: false,
  remainAfterExit: false,
  busName: '',
  triggeredBy: [],
  wantedBy: ['multi-user.target'],
  fragment: `/lib/systemd/system/${id}`,
  ...changes,
});

/** As a unit that is simply dead is known: by its states alone. */
export const dead = (id: string, changes: Partial<Unit> = {}): Unit => ({
  ...service(id),
  active: 'inactive',
  sub: 'dead',
  result: '',
  type: '',
  fileState: '',
  mainPid: 0,
  invocation: '',
  wantedBy: [],
  fragment: '',
  ...changes,
});

export const restarting = (id: string, restarts: number, changes: Partial<Unit> = {}): Unit =>
  service(id, {
    active: 'activating',
    sub: 'auto-restart',
    result: 'exit-code',
    restarts,
    exit: { how: 'exited', status: 1 },
    ...changes,
  });

export const failed = (id: string, changes: Partial<Unit> = {}): Unit =>
  service(id, { active: 'failed', sub: 'failed', result: 'exit-code', exit: { how: 'exited', status: 1 }, ...changes });

export const units = (...all: readonly Unit[]): Facts['units'] =>
  Object.fromEntries(all.map((unit) => [unit.id, unit]));

export const owner = (unit: string, process = unit.replace(/\.service$/, '')): Owner => ({ process, unit });

export const tcp = (address: string, port: number, by: Owner | null = null, v6only: boolean | null = null): Socket => ({
  protocol: 'tcp',
  address,
  port,
  v6only,
  owner: by,
});

export const udp = (address: string, port: number, by: Owner | null = null): Socket => ({
  ...tcp(address, port, by),
  protocol: 'udp',
});

export const unix = (path: string, by: Owner | null = null): UnixSocket => ({ path, owner: by });

export const process = (name: string, pid: number, changes: Partial<Process> = {}): Process => ({
  pid,
  name,
  startTicks: 2000 + pid,
  ageMs: 600_000,
  parent: 1,
  unit: null,
  ...changes,
});

/** The required findings as `subject: sentence`. */
export const deciding = (
  findings: readonly { readonly severity: string; readonly subject: string; readonly message: string }[],
): string[] => findings.filter(({ severity }) => severity === 'required').map(({ message }) => message);
