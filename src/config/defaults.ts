import type { Settings } from './settings.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** The default settings without a terminal. */
export const defaultSettings: Settings = {
  timeoutMs: hour,
  idleTimeoutMs: 15 * minute,
  okStatus: [{ first: 0, last: 0 }],
  environment: {},
  user: 0,
  group: 0,
  cwd: '/root',

  checks: [],
  automatic: true,
  askServers: true,
  verifyTimeoutMs: 2 * minute,
  soakMs: 10 * second,
  restart: false,
  allowUnhealthy: false,
  confirmMs: null,
  confirmBy: null,
  uncovered: 'warn',
  onFailure: { command: 'rollback', unhealthy: 'rollback', inconclusive: 'rollback', timeout: 'rollback' },
  onUnchanged: 'rollback',
  rehearse: false,
  hooks: {},
  askTimeoutMs: 5 * minute,

  keep: 3,
  expiresMs: 30 * day,
  waitLockMs: 0,
  leaseMs: 2 * minute,
  stopFirst: false,
  restorePointTimeoutMs: 15 * minute,
  stopTimeoutMs: 30 * second,
  restoreTimeoutMs: 15 * minute,
  startTimeoutMs: 2 * minute,

  hook: {
    onNoRestorePoint: 'abort',
    absent: 'proceed',
    timeoutMs: minute,
    settleMs: 2 * second,
    packages: null,
    commands: null,
    quarantine: 'unattended',
    rehearse: false,
    mostAnHour: 60,
  },
  notify: [],
};

/** The default settings at a terminal, without a limit for output: a person may take time to answer. */
export const attendedSettings: Settings = { ...defaultSettings, idleTimeoutMs: null };
