import type { CommandEnd } from '../../event.ts';
import { boundedText } from '../../platform/bounded-text.ts';
import { describeFailure } from '../../platform/failure.ts';
import { watched } from '../command/command.ts';
import { beforeCommand, type BootMark } from '../command/instance-stop.ts';
import type { Plan } from '../plan.ts';
import { pushOneByOne } from './one-by-one.ts';
import { folderOf } from './source.ts';
import type { PushPlan } from '../plan.ts';
import { pushFailed, describePushes } from './format.ts';
import { inPhase } from '../recorder.ts';
import type { RunTools } from '../tools.ts';

/**
 * Copies the user's files into the instance, one push after another. Null on success, otherwise why the command is
 * not started. Existing files of the same name are replaced, others stay. Existing folders keep their mode.
 */
export function pushFiles(plan: Plan, tools: RunTools, boot: BootMark | null): Promise<CommandEnd | null> {
  return inPhase(
    tools,
    'push',
    () => pushEach(plan, tools, boot),
    (end) => ({ ok: end === null, message: end === null ? describePushes(plan.pushes) : end.kind }),
  );
}

async function pushEach(plan: Plan, tools: RunTools, boot: BootMark | null): Promise<CommandEnd | null> {
  // One archive is much faster than a request for each file.
  const push = (await hasGnuTar(plan, tools)) ? pushArchive : pushOneByOne;
  for (const one of plan.pushes) {
    const end = await push(plan, tools, one, boot);
    if (end !== null) return end;
  }
  return null;
}

/** Other implementations cannot keep the modes of existing folders and links to folders. */
async function hasGnuTar({ instance }: Plan, { platform }: RunTools): Promise<boolean> {
  const answer = await platform.query(instance, { command: ['tar', '--version'], limitMs: quickMs, maxBytes: 4096 });
  return answer.ok && answer.value.status === 0 && answer.value.stdout.includes('GNU tar');
}

/** For requests that are fast. */
const quickMs = 30_000;

async function pushArchive(
  plan: Plan,
  tools: RunTools,
  push: PushPlan,
  boot: BootMark | null,
): Promise<CommandEnd | null> {
  const { platform, clock } = tools;
  const folder = folderOf(push);
  const made = await platform.query(plan.instance, {
    command: ['mkdir', '-p', '--', folder],
    limitMs: quickMs,
    maxBytes: 4096,
  });
  if (!made.ok) return pushFailed(push, describeFailure(made.error));
  if (made.value.status !== 0) return pushFailed(push, made.value.stderr);
  let lastSentAt = clock.monotonic();
  let unreadable: string | null = null;
  const { archiveOf } = await import('./archive.ts');
  const archive = archiveOf(push, () => (lastSentAt = clock.monotonic()));
  archive.on('error', (error) => (unreadable = error.message));
  const errors = boundedText(4096);
  const before = beforeCommand(platform, plan.instance, boot);
  const started = await platform.startExec(
    plan.instance,
    {
      command: ['tar', ...unpackOptions, '-C', folder],
      environment: { LC_ALL: 'C', GUARD_RUN: plan.run },
      user: 0,
      group: 0,
      cwd: '/',
      terminal: null,
    },
    { stdin: archive, stdout: boundedText(0).sink, stderr: errors.sink },
  );
  if (!started.ok) return pushFailed(push, describeFailure(started.error));
  const end = await watched(plan, tools, started.value, () => lastSentAt, before);
  archive.destroy();
  // tar accepts an archive that was cut off between two files.
  if (unreadable !== null) return pushFailed(push, unreadable);
  return end.kind === 'exited' && end.status === 0 ? null : endOfPush(push, end, errors.text());
}

const unpackOptions = [
  '--extract',
  '--file=-',
  '--preserve-permissions',
  '--same-owner',
  '--numeric-owner',
  '--no-overwrite-dir',
  '--keep-directory-symlink',
];

/** Why the command was not started. */
function endOfPush(push: PushPlan, end: CommandEnd, errors: string): CommandEnd {
  switch (end.kind) {
    case 'timeout':
    case 'idle-timeout':
    case 'interrupted':
      return end;
    case 'exited':
      return pushFailed(push, errors.trim() || `tar ended with exit status ${end.status}`);
    case 'lost':
    case 'push-failed':
      return pushFailed(push, end.message);
    case 'instance-stopped':
      return pushFailed(push, 'the instance was stopped meanwhile');
    case 'not-found':
    case 'not-executable':
      return pushFailed(push, 'there is no usable tar');
  }
}
