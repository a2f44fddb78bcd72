import type { Readable, Writable } from 'node:stream';
import type { Clock } from '../clock.ts';
import type { Listener, RecordedEvent } from '../event.ts';
import type { AskToKeep } from './keep-prompt.ts';
import { createJsonView } from './ndjson.ts';
import { createPlainView } from './plain.ts';
import type { Reports } from './report-files.ts';
import type { Target } from './run-report.ts';
import type { Trace } from './trace.ts';

/** Shows one run's events. */
export interface View {
  readonly listener: Listener;
  /** Null where nobody can be asked. */
  readonly askToKeep: AskToKeep | null;
}

export interface Situation {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable & { readonly isTTY?: boolean };
  readonly stderr: Writable & { readonly isTTY?: boolean };
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly json: boolean;
  readonly quiet: boolean;
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
  const { stdin, stderr } = situation;
  const attended = stdin.isTTY === true && stderr.isTTY === true && !situation.json;
  return {
    listener: withTrace(situation, withReports(situation, withCi(situation, chooseListener(situation)))),
    askToKeep: attended ? askAt(situation) : null,
  };
}

/** Hardly ever is anybody asked. */
function askAt({ stdin, stderr, clock }: Situation): AskToKeep {
  return async (...about) => (await import('./keep-prompt.ts')).createAskToKeep(stdin, stderr, clock)(...about);
}

function chooseListener(situation: Situation): Listener {
  const { stdout, stderr, environment, json, quiet, history } = situation;
  if (json) return createJsonView(stdout);
  const live = stderr.isTTY === true && !quiet && !isSet(environment['CI']) && environment['TERM'] !== 'dumb';
  return live ? liveView(situation) : createPlainView(stderr, quiet, history);
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

function liveView(situation: Situation): Listener {
  return lateView(async () => (await import('./terminal.ts')).createTerminalView(situation));
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
