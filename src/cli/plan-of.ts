import { commandCheck, nameChecks } from '../check-default.ts';
import type { Plan } from '../run/plan.ts';
import type { Context } from './context.ts';
import type { RunOptions } from './run-options.ts';
import type { Reached } from '../incus/reach.ts';

const second = 1000;
const minute = 60 * second;
const day = 24 * 60 * minute;

/** Everything that is settled for one run before it begins: flags over defaults. */
export const planOf = (known: {
  readonly context: Context;
  readonly run: string;
  readonly reached: Pick<Reached, 'instance' | 'project' | 'remote'>;
  readonly words: readonly [string, ...string[]];
  readonly options: RunOptions;
  readonly withTerminal: boolean;
}): Plan => {
  const { context, run, reached, words, options } = known;
  return {
    run,
    version: context.version,
    instance: reached.instance,
    project: reached.project,
    remote: reached.remote,
    command: {
      words,
      environment: options.env ?? {},
      user: options.user ?? 0,
      group: options.group ?? 0,
      cwd: options.cwd ?? '/root',
    },
    checks: checksOf(options),
    automatic: options.automatic ?? true,
    allowUnhealthy: options.allowUnhealthy ?? false,
    okStatus: options.okStatus ?? [{ first: 0, last: 0 }],
    onFailure: {
      command: 'rollback',
      unhealthy: 'rollback',
      inconclusive: 'rollback',
      timeout: 'rollback',
      ...options.onFailure,
    },
    askMs: 5 * minute,
    restart: options.restart ?? false,
    restorePoint: {
      name: options.name ?? `guard-${run}`,
      named: options.name !== undefined,
      keep: options.keep ?? 3,
      expiresMs: options.expires === undefined ? 30 * day : options.expires,
    },
    limits: {
      commandMs: options.timeout === undefined ? 60 * minute : options.timeout,
      // Somebody at the terminal decides for themselves how long to think about a question.
      idleMs: options.idleTimeout === undefined ? (known.withTerminal ? null : 15 * minute) : options.idleTimeout,
      verifyMs: options.verifyTimeout ?? 2 * minute,
      soakMs: options.soak ?? 10 * second,
      stopMs: 30 * second,
      snapshotMs: 15 * minute,
      restoreMs: 15 * minute,
      readyMs: 2 * minute,
      lockMs: options.waitLock ?? 0,
    },
  };
};

const checksOf = (options: RunOptions): Plan['checks'] => {
  const timing = {
    ...(options.checkTimeout === undefined ? {} : { timeoutMs: options.checkTimeout }),
    ...(options.checkInterval === undefined ? {} : { intervalMs: options.checkInterval }),
    ...(options.checkRetries === undefined ? {} : { retries: options.checkRetries }),
    ...(options.checkStartPeriod === undefined ? {} : { startPeriodMs: options.checkStartPeriod }),
  };
  return nameChecks((options.check ?? []).map((command) => commandCheck(command, timing)));
};
