import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../src/clock.ts';
import type { RunEvent } from '../../src/event.ts';
import { createView } from '../../src/report/view.ts';
import { began, commandEnded, finding, recorded, started, verdict } from './example-events.ts';

// Plays a scripted run to the view that fits this process' terminal. Arguments: the scene, and how long each phase takes.
const [scene = 'kept', pause = '0'] = process.argv.slice(2);

const ended = (phase: Extract<RunEvent, { type: 'phase-ended' }>['phase'], message: string, ok = true): RunEvent => ({
  type: 'phase-ended',
  phase,
  ms: 152,
  ok,
  message,
});

const output = (text: string): RunEvent => ({
  type: 'command-output',
  stream: 'stdout',
  chunk: new TextEncoder().encode(text),
});

const waiting = (...message: readonly string[]): RunEvent => ({
  type: 'watch-progress',
  waitingFor: message.map(finding),
  healthyForMs: message.length === 0 ? 3000 : 0,
  limitMs: 120_000,
  soakMs: 10_000,
});

const long =
  'unit pdns.service was active and running before, and is now activating (auto-restart), for the third time in 10 s';

const before: readonly RunEvent[] = [
  began('inspect'),
  ended('inspect', 'running'),
  started(),
  began('baseline'),
  {
    type: 'notice',
    level: 'warning',
    message: 'web is busy: apt.systemd.daily. The restore point will contain this unfinished work.',
  },
  ended('baseline', 'facts, 2 checks'),
  began('restore-point'),
  ended('restore-point', 'guard-20261123-070945-z8mf'),
  began('command'),
];

const changes: RunEvent = {
  type: 'changes',
  changes: {
    packages: Array.from({ length: 14 }, (_, number) => ({
      name: `libexample${number}`,
      from: `1.${number}`,
      to: `2.${number}`,
    })),
    units: { appeared: ['example.service'], gone: [] },
    sockets: { appeared: ['tcp/8080 at 0.0.0.0'], gone: [] },
  },
};

const back: readonly RunEvent[] = [
  began('stop'),
  ended('stop', 'stopped'),
  began('restore'),
  ended('restore', 'guard-in-flight'),
  began('start'),
  ended('start', 'running'),
  began('verify-again'),
  waiting('check "web" fails: no answer within 5 s'),
  ended('verify-again', 'healthy'),
  verdict('healthy', true),
  { type: 'released', restorePoint: null },
  { type: 'run-ended', outcome: { outcome: 'rolled-back', cause: 'unhealthy' }, ms: 9000 },
];

const scenes: Readonly<Record<string, readonly RunEvent[]>> = {
  kept: [
    ...before,
    output('Reading package lists… Done\r\nSetting up libexample (2.0) …\r\n'),
    ended('command', 'exit status 0'),
    commandEnded({ kind: 'exited', status: 0 }),
    began('verify'),
    waiting(long, 'socket tcp/53 at 0.0.0.0 was open'),
    waiting(),
    ended('verify', 'healthy'),
    verdict('healthy', false),
    changes,
    began('keep'),
    { type: 'released', restorePoint: 'guard-20261123-070945-z8mf' },
    ended('keep', 'guard-20261123-070945-z8mf'),
    { type: 'run-ended', outcome: { outcome: 'kept' }, ms: 9000 },
  ],
  'rolled-back': [
    ...before,
    output('Setting up pdns (2.0) …\r\n'),
    ended('command', 'exit status 0'),
    commandEnded({ kind: 'exited', status: 0 }),
    began('verify'),
    waiting(long),
    ended('verify', 'unhealthy', false),
    verdict('unhealthy', false, {
      reasons: [finding(long)],
      advisories: [finding('free space fell from 4 GiB to 1 GiB')],
    }),
    changes,
    { type: 'decided', decision: 'rollback', cause: 'unhealthy' },
    ...back,
  ],
  // An editor that was killed: alternate screen, no cursor, mouse, colours, and half a line.
  killed: [
    ...before,
    output('\u001b[?1049h\u001b[?25'),
    output('l\u001b[?1000;1006h\u001b[?2004h\u001b[31mhalf a line'),
    ended('command', 'timeout', false),
    commandEnded({ kind: 'timeout', limitMs: 1000 }),
    ...back,
  ],
  // guard itself fails in the middle of a phase, so that its end never comes.
  broken: [
    ...before,
    ended('command', 'exit status 0'),
    began('verify'),
    { type: 'notice', level: 'warning', message: 'guard itself failed: Error: of all things' },
    { type: 'decided', decision: 'rollback', cause: 'command' },
    ...back,
  ],
};

const main = async (): Promise<void> => {
  // As guard does: its own handlers stay until the end.
  let interrupted = false;
  process.on('SIGINT', () => {
    interrupted = true;
  });
  const { listener } = createView({
    ...process,
    environment: process.env,
    clock: systemClock,
    json: false,
    quiet: false,
  });
  for (const event of recorded(...(scenes[scene] ?? []))) {
    if (event.type === 'command-output') process.stdout.write(event.chunk);
    await listener(event);
    if (['phase-started', 'watch-progress', 'command-output'].includes(event.type)) await sleep(Number(pause));
    if (process.env['DIE_IN'] === event.type) {
      process.stderr.write('guard: this is a bug in guard\n');
      // oxlint-disable-next-line unicorn/no-process-exit -- what a bug of guard's ends with
      process.exit(70);
    }
  }
  if (interrupted) process.stderr.write('interrupted\n');
};

void main();
