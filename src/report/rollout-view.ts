import { randomUUID } from 'node:crypto';
import type { Writable } from 'node:stream';
import { formatDuration } from '../duration.ts';
import type { RolloutSettings } from '../rollout/planner.ts';
import type { RolloutRecord } from '../rollout/record.ts';
import type { RecordedRolloutEvent } from '../rollout-event.ts';
import { neutralise } from '../text.ts';
import { createJsonView } from './ndjson.ts';
import { createPlainView } from './plain.ts';
import { createPrefixedLines } from './prefixed-lines.ts';
import { describeRollout, rolloutSummary, stateName, waveName } from './rollout-text.ts';
import type { RolloutSituation, RolloutView, ShownMember } from './rollout-situation.ts';

/** JSON lines where they are wanted, a live table for people, plain lines for logs. */
export async function createRolloutView(situation: RolloutSituation): Promise<RolloutView> {
  const view = await chooseView(situation);
  return withWorkflowGuard(situation, view);
}

async function chooseView(situation: RolloutSituation): Promise<RolloutView> {
  const { stderr, stdout, environment, json, quiet } = situation;
  if (json) return jsonView(stdout, stderr);
  const isLive = stderr.isTTY === true && !quiet && !isSet(environment['CI']) && environment['TERM'] !== 'dumb';
  if (!isLive) return plainView(situation);
  const { createRolloutScreen } = await import('./rollout-screen.ts');
  return createRolloutScreen(situation, plainView(situation));
}

/** Events of runs say of which instance they are; output goes to stderr, as in a single run. */
function jsonView(stdout: Writable, stderr: Writable): RolloutView {
  return {
    onRolloutEvent: (event) => void stdout.write(`${JSON.stringify(event)}\n`),
    memberListener: ({ id: _id, label: _label, name, ...address }) =>
      createJsonView(stdout, { instance: name, ...address }),
    memberOutput: (member) => outputOf(member, stderr, stderr),
    tell: (line) => void stderr.write(`${line}\n`),
    close: async () => {},
  };
}

function plainView({ stdout, stderr, quiet, settings }: RolloutSituation): RolloutView {
  const write = (lines: readonly string[]): void => {
    if (lines.length > 0) stderr.write(lines.map((line) => `${line}\n`).join(''));
  };
  return {
    onRolloutEvent: (event, after) => write(rolloutLines(event, after, settings, quiet)),
    memberListener: ({ label }) => {
      // The instance speaks in place of guard, and every line says which one it is.
      const lines = createPrefixedLines(stderr, `${neutralise(label, 100)}: `);
      const listener = createPlainView(asGuardLess(lines.stream), true);
      return (event) => {
        listener(event);
        lines.flush();
      };
    },
    memberOutput: (member) => outputOf(member, stdout, stderr),
    tell: (line) => write([line]),
    close: async () => {},
  };
}

/** The plain view begins its lines with `guard: `; here the name of the instance stands there. */
function asGuardLess(target: Writable): Writable {
  return Object.assign(Object.create(target) as Writable, {
    write: (text: string) => target.write(text.replaceAll(/^guard: /gm, '')),
  });
}

function outputOf({ label }: ShownMember, stdout: Writable, stderr: Writable) {
  const prefix = `${neutralise(label, 100)} | `;
  const out = createPrefixedLines(stdout, prefix);
  const err = createPrefixedLines(stderr, prefix);
  const end = (): void => {
    out.flush();
    err.flush();
  };
  return { stdout: out.stream, stderr: err.stream, end };
}

/** What a log says of the rollout itself. */
export function rolloutLines(
  event: RecordedRolloutEvent,
  after: RolloutRecord,
  settings: RolloutSettings,
  quiet: boolean,
): string[] {
  if (quiet) return event.type === 'rollout-ended' && event.exitStatus !== 0 ? endLines(event.exitStatus, after) : [];
  switch (event.type) {
    case 'rollout-started':
      return [`guard: rollout ${event.rollout}: ${describeRollout(after.members, settings)}`];
    case 'rollout-resumed': {
      const left = after.members.filter(({ state }) => state === 'pending');
      return left.length === 0 ? [] : [`guard: rollout ${event.rollout} continues: ${describeRollout(left, settings)}`];
    }
    case 'wave-pause':
      return [`guard: the next wave begins in ${formatDuration(event.ms)}`];
    case 'rollout-ended':
      return endLines(event.exitStatus, after);
    case 'rollout-imported':
    case 'rollout-claimed':
      return [];
    case 'member-waiting':
      return [...memberLines(event, after), ...waveLines(after)];
    case 'member-begun':
    case 'member-ended':
    case 'revert-begun':
    case 'revert-ended':
      return memberLines(event, after);
  }
}

function endLines(exitStatus: number, after: RolloutRecord): string[] {
  const [first = '', ...rest] = rolloutSummary(after, exitStatus);
  return [`guard: ${first}`, ...rest];
}

/** Once the whole wave waits: how its changes are kept. */
function waveLines({ id, members }: RolloutRecord): string[] {
  const running = members.filter(({ state }) => state === 'running');
  if (running.some(({ message }) => message === '')) return [];
  return [
    'guard: the next wave begins when these changes are confirmed. Without a confirmation they are rolled back, and the rollout stops.',
    `  keep them: guard rollout confirm ${id}`,
    '  roll one back: guard rollback INSTANCE',
  ];
}

function memberLines(event: Extract<RecordedRolloutEvent, { readonly id: string }>, after: RolloutRecord): string[] {
  const member = after.members.find(({ id }) => id === event.id);
  if (member === undefined) return [];
  const label = neutralise(member.label, 100);
  switch (event.type) {
    case 'member-begun':
      return [`${label}: started (wave ${waveName(member.wave)}, run ${event.run})`];
    case 'member-waiting':
      return [`${label}: ${member.message}`];
    case 'member-ended':
      // What is not kept has been explained by its run.
      return event.state === 'kept' ? [`${label}: kept (${formatDuration(event.ms)})`] : [];
    case 'revert-begun':
      return [`${label}: is rolled back, because the rollout stopped (run ${event.run})`];
    case 'revert-ended':
      return [`${label}: ${stateName(member)}`];
  }
}

/** In GitHub Actions nothing that a command writes is read as a workflow command while the rollout lasts. */
function withWorkflowGuard({ environment, stderr }: RolloutSituation, view: RolloutView): RolloutView {
  if (environment['GITHUB_ACTIONS'] !== 'true') return view;
  const token = randomUUID();
  stderr.write(`::stop-commands::${token}\n`);
  return {
    ...view,
    close: async () => {
      await view.close();
      stderr.write(`::${token}::\n`);
    },
  };
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && !['', '0', 'false'].includes(value);
}
