import * as z from 'zod/mini';
import { lifecycleCommandTimeoutMs, type LifecycleCommand, type LifecycleMoment } from '../lifecycle-command.ts';
import { timeLimits } from './limits.ts';
import {
  changed,
  command,
  mapping,
  oneOrMore,
  optional,
  path,
  timeWithin,
  userId,
  variables,
} from './schema-values.ts';

const hookExpected = 'a mapping with either exec or host';

const hook = changed(
  mapping(
    'hookCommand',
    {
      exec: optional(command, {
        description:
          'Runs inside the instance. A text is run by the shell of the instance (sh -c), a list of words without any shell.',
      }),
      host: optional(command, {
        description:
          "Runs on the machine that runs guard, in guard's working directory. A text is run by sh -c, a list of words without any shell. {address} in its arguments stands for the address of the instance.",
      }),
      timeout: optional(timeWithin(timeLimits.hookTimeout), {
        description: 'The command is killed after this time, and has failed.',
        default: '30s',
      }),
      environment: optional(variables, { description: 'Variables for the command.' }),
      user: optional(userId, { description: 'For exec: the numeric user id in the instance.', default: 0 }),
      cwd: optional(path('folder'), { description: 'For exec: the folder in the instance.', default: '/' }),
    },
    hookExpected,
  ),
  ({ exec, host, timeout, environment, user, cwd }, complain): LifecycleCommand => {
    if ((exec === undefined) === (host === undefined)) complain(hookExpected);
    if (host !== undefined && (user !== undefined || cwd !== undefined))
      complain('a hook on the host without user and cwd, which are for exec');
    const common = { timeoutMs: timeout ?? lifecycleCommandTimeoutMs, environment: environment ?? {} };
    return host === undefined
      ? { kind: 'exec', command: exec ?? ['true'], user: user ?? 0, cwd: cwd ?? '/', ...common }
      : { kind: 'host', command: host, ...common };
  },
).register(z.globalRegistry, {
  id: 'hookCommand',
  description: 'Your own command at a moment of the run: exec runs inside the instance, host on this machine.',
});

function moment(description: string) {
  return optional(z.nullable(oneOrMore(hook, `${hookExpected}, or a list of them`)), { description });
}

const moments: Readonly<Record<LifecycleMoment, ReturnType<typeof moment>>> = {
  beforeRestorePoint: moment(
    'Runs before the restore point, to flush and quiesce applications. If it fails, afterRestorePoint runs and the run is refused (30).',
  ),
  afterRestorePoint: moment(
    'Runs after the restore point, to resume what beforeRestorePoint quiesced. It always runs, also after a restore, and may run twice. If it fails three times, the run is refused (30).',
  ),
  beforeRollback: moment(
    'Runs before the instance is stopped for a rollback. A failure is reported and changes nothing else.',
  ),
  afterRollback: moment('Runs after the rollback was verified. A failure is reported and changes nothing else.'),
  afterKeep: moment('Runs after guard decided to keep the change. A failure is reported and changes nothing else.'),
};

/** `hooks`: commands of the user's by moment. */
export const hooks = z.nullable(mapping('hooks', moments));
