import type { Readable, Writable } from 'node:stream';
import type { Clock } from '../clock.ts';
import type { Listener, RecordedEvent } from '../event.ts';
import type { Person } from '../question.ts';
import { createJsonView } from './ndjson.ts';
import { createPlainView } from './plain.ts';
import type { Picture } from './picture.ts';
import type { Reports } from './report-files.ts';
import { noFacts, withEvent, type RunFacts } from './run-facts.ts';
import type { Target } from './run-report.ts';
import type { Trace } from './trace.ts';

/** Shows one run's events. */
export interface View {
  readonly listener: Listener;
  /** Null where there is no terminal to ask at. */
  readonly person: Person | null;
}

export interface Situation {
  readonly stdin: Readable & { readonly isTTY?: boolean; readonly setRawMode?: (raw: boolean) => unknown };
  readonly stdout: Writable & { readonly isTTY?: boolean };
  readonly stderr: Writable & { readonly isTTY?: boolean };
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly json: boolean;
  readonly quiet: boolean;
  /** The command never changes an instance. Left out: it may. */
  readonly readOnly?: boolean;
  /** A job in the background neither reads from its terminal nor changes its mode. Left out: in the foreground. */
  readonly foreground?: boolean;
  /** `--yes`: guard asks no question, even at a terminal. */
  readonly yes?: boolean;
  /** Told of Ctrl-C where keys are held back. */
  readonly interrupter?: { readonly interrupt: (signal: 'SIGINT') => unknown };
  /** What is known already of a run that is taken up again. */
  readonly history?: readonly RecordedEvent[];
  /** What the run is about; without it a job of CI is told nothing more than is shown. */
  readonly target?: Target;
  /** Files that are written besides what is shown. */
  readonly reports?: Reports;
  readonly trace?: Trace;
}

/** The view that fits the situation: JSON lines where they are wanted, a live one for people, plain lines for logs. */
export function createView(situation: Situation): View {
  const picture = choosePicture(situation);
  let facts = (situation.history ?? []).reduce(withEvent, noFacts(''));
  const listener: Listener = (event) => {
    facts = withEvent(facts, event);
    return picture.listener(event);
  };
  return {
    listener: withTrace(situation, withReports(situation, withCi(situation, listener))),
    person: isAttended(situation) ? personAt(situation, picture, () => facts) : null,
  };
}

/** Whether a person sees what happens, and can be asked. */
export function isAttended({
  stdin,
  stderr,
  json,
  foreground = true,
  yes = false,
}: Pick<Situation, 'stdin' | 'stderr' | 'json' | 'foreground' | 'yes'>): boolean {
  return stdin.isTTY === true && stderr.isTTY === true && foreground && !json && !yes;
}

/** Loaded late: most runs ask nothing. */
function personAt({ stdin, stderr, clock }: Situation, { aside }: Picture, facts: () => RunFacts): Person {
  return {
    ask: (...about) =>
      aside(async () => {
        const [{ createPerson }, { findingLines }] = await Promise.all([
          import('./person.ts'),
          import('./outcome-summary.ts'),
        ]);
        return createPerson(stdin, stderr, clock, findingLines(facts()))(...about);
      }),
  };
}

function choosePicture(situation: Situation): Picture {
  const { stdout, stderr, environment, json, quiet, history, foreground = true, readOnly = false } = situation;
  if (json) return still(createJsonView(stdout));
  // In the background another program uses the screen: a line that is redrawn would overwrite its text.
  const live =
    stderr.isTTY === true &&
    foreground &&
    !quiet &&
    !readOnly &&
    !isSet(environment['CI']) &&
    environment['TERM'] !== 'dumb';
  return live ? livePicture(situation) : still(createPlainView(stderr, quiet, history, readOnly));
}

function still(listener: Listener): Picture {
  return { listener, aside: (work) => work() };
}

/** The services that run a job say so in its environment. */
function withCi(situation: Situation, view: Listener): Listener {
  const { environment, target } = situation;
  if (target === undefined) return view;
  if (environment['GITHUB_ACTIONS'] === 'true')
    return lateView(async () => (await import('./github.ts')).createGithubView({ ...situation, target }, view));
  if (environment['GITLAB_CI'] === 'true')
    return lateView(async () => (await import('./gitlab.ts')).createGitlabView({ ...situation, target }, view));
  return view;
}

function withReports({ reports }: Situation, view: Listener): Listener {
  if (!reports) return view;
  return async (event) => {
    await view(event);
    await reports.listener(event);
  };
}

function withTrace({ trace }: Situation, view: Listener): Listener {
  if (!trace) return view;
  return (event) => {
    // Before the view, whose drawing is no part of the phase.
    void trace.listener(event);
    return view(event);
  };
}

/** Loaded with its first event: what it is made of is only loaded where it is used. */
function livePicture(situation: Situation): Picture {
  let picture: Promise<Picture> | null = null;
  const load = async (): Promise<Picture> => (await import('./terminal.ts')).createTerminalView(situation);
  return {
    listener: async (event) => {
      picture ??= load();
      await (await picture).listener(event);
    },
    aside: async (work) => (picture === null ? work() : (await picture).aside(work)),
  };
}

/** A view that is loaded with its first event: what it is made of is only loaded where it is used. */
function lateView(load: () => Promise<Listener>): Listener {
  let view: Promise<Listener> | null = null;
  return async (event) => {
    view ??= load();
    await (
      await view
    )(event);
  };
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && !['', '0', 'false'].includes(value);
}
