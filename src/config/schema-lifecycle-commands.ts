import * as z from 'zod/mini';
import { lifecycleCommandTimeoutMs, type LifecycleCommand, type LifecycleMoment } from '../lifecycle-command.ts';
import { changed, command, mapping, oneOrMore, optional, path, time, userId, variables } from './schema-values.ts';

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
      timeout: optional(time(1), { description: 'It is killed then, and has failed.', default: '30s' }),
      environment: optional(variables, { description: 'Variables for the command.' }),
      user: optional(userId, { description: 'For exec: the numeric user id inside.', default: 0 }),
      cwd: optional(path('folder'), { description: 'For exec: the folder inside.', default: '/' }),
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
  description: 'A command of yours at a moment of the run: exec runs inside the instance, host on this machine.',
});

function moment(description: string) {
  return optional(z.nullable(oneOrMore(hook, `${hookExpected}, or a list of them`)), { description });
}

const moments: Readonly<Record<LifecycleMoment, ReturnType<typeof moment>>> = {
  beforeRestorePoint: moment(
    'Just before the restore point, to flush and hold still what must be whole in it. Where it fails, the run is refused (30), after afterRestorePoint has run.',
  ),
  afterRestorePoint: moment(
    'Just after the restore point, to let go on what beforeRestorePoint held. Runs whatever happened, also after a restore; must do no harm when it runs twice. Where it fails three times, the run is refused (30).',
  ),
  beforeRollback: moment('Before the instance is stopped to be put back. Where it fails, that is told.'),
  afterRollback: moment('After the instance was put back and asked again. Where it fails, that is told.'),
  afterKeep: moment('After the change was decided to be kept. Where it fails, that is told.'),
};

/** `hooks`: commands of the user's by moment. */
export const hooks = z.nullable(mapping('hooks', moments));
