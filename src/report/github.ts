import { randomUUID } from 'node:crypto';
import { appendFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Writable } from 'node:stream';
import type { Listener, Outcome, RecordedEvent } from '../event.ts';
import { exitStatusOf, isGood, isUndecided } from '../run/outcome.ts';
import { neutralise } from '../text.ts';
import { summarizeOutcome } from './outcome-summary.ts';
import { markdownOf } from './markdown-report.ts';
import { createRunReportBuilder, type RunReport, type Target } from './run-report.ts';

interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stderr: Writable;
  readonly target: Target;
  readonly history?: readonly RecordedEvent[];
}

/**
 * What a step of GitHub Actions shows of a run by itself, besides what another view shows: annotations, the step's summary, and
 * its outputs. Nothing else that is written while the run lasts, the command's output above all, is read as a workflow command
 * (https://docs.github.com/actions/reference/workflow-commands-for-github-actions).
 */
export function createGithubView({ environment, stderr, target, history }: Surroundings, view: Listener): Listener {
  const storyteller = createRunReportBuilder(target, history);
  let token: string | null = null;
  function stop(): void {
    token = randomUUID();
    stderr.write(`::stop-commands::${token}\n`);
  }
  function say(command: string | null): void {
    stderr.write(`::${token ?? ''}::\n${command === null ? '' : `${command}\n`}`);
    token = null;
  }
  return async (event) => {
    if (token === null) stop();
    storyteller.listener(event);
    await view(event);
    if (event.type === 'notice' && event.level === 'warning') say(workflowCommand('warning', 'guard', event.message));
    if (event.type !== 'run-ended') return;
    const story = storyteller.report();
    say(annotationOf(event.outcome, story));
    await append(environment['GITHUB_STEP_SUMMARY'], markdownOf([story]), stderr);
    await append(environment['GITHUB_OUTPUT'], outputsOf(event.outcome, story), stderr);
  };
}

function annotationOf(outcome: Outcome, { facts }: RunReport): string | null {
  if (isGood(outcome)) return null;
  const { label, headline, details } = summarizeOutcome(outcome, facts);
  return workflowCommand(
    isUndecided(outcome) ? 'warning' : 'error',
    `guard (${label})`,
    [headline, ...details].join('\n'),
  );
}

/** Escaped as the runner unescapes it: a property also has to be kept from ending early. */
export function workflowCommand(level: 'error' | 'warning', title: string, message: string): string {
  return `::${level} title=${escaped(title).replaceAll(':', '%3A').replaceAll(',', '%2C')}::${escaped(bounded(message))}`;
}

function escaped(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

/** The runner cuts longer annotations off. */
function bounded(message: string): string {
  return message.length > 4000 ? `${message.slice(0, 4000)}…` : message;
}

/** For later steps: `steps.ID.outputs.outcome`, … None of the values has a line end in it. */
function outputsOf(outcome: Outcome, { record, facts, target }: RunReport): string {
  const values = {
    outcome: outcome.outcome,
    cause: 'cause' in outcome ? outcome.cause : '',
    status: String(exitStatusOf(outcome)),
    run: record.run,
    instance: target.instance,
    'restore-point': facts.restorePoint ?? '',
    evidence: evidenceFolder(facts.evidence),
  };
  return Object.entries(values)
    .map(([name, value]) => `${name}=${neutralise(value)}\n`)
    .join('');
}

/** For upload-artifact; empty where nothing was saved. */
function evidenceFolder(evidence: RunReport['facts']['evidence']): string {
  const [file] = evidence?.files ?? [];
  return file === undefined ? '' : dirname(file);
}

/** A summary that cannot be written changes no outcome. */
async function append(path: string | undefined, content: string, stderr: Writable): Promise<void> {
  if (!path) return;
  await appendFile(path, content).catch((error: unknown) => {
    stderr.write(`guard: "${neutralise(path)}" of GitHub Actions could not be written: ${neutralise(String(error))}\n`);
  });
}
