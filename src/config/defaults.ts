import type { Settings } from './settings.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** What holds where neither a file nor a flag says anything, and nobody sits at a terminal. */
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
  verifyTimeoutMs: 2 * minute,
  soakMs: 10 * second,
  restart: false,
  allowUnhealthy: false,
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
    mostAnHour: 60,
  },
  notify: [],
};

/** The same with a person at a terminal, who may think about a question for as long as they like. */
export const attendedSettings: Settings = { ...defaultSettings, idleTimeoutMs: null };
