import { formatDuration } from '../../duration.ts';
import { formatTime } from '../../time.ts';
import type { Finding, Outcome } from '../../event.ts';
import { shellWords } from '../../text.ts';
import { addressOf, summarizeOutcome } from '../outcome-summary.ts';
import { commandTitle, describeCommandEnd } from '../format.ts';
import type { RunReport } from '../run-report.ts';
import type { RunFacts } from '../run-facts.ts';
import { stateOf } from '../run-state.ts';
import { markup, preformatted, type Html } from './html.ts';
import { clockText, firstScreen, nextStepList, sentence, timeText, toneOf, type NextStep, type Tone } from './parts.ts';
import { timelineOf, type Timeline } from './timeline.ts';

/** The first screen of a run. `output` is the end of what the command wrote, if it is known. */
export function runSummary(report: RunReport, output: string): Html {
  const { record, target } = report;
  const { name, colour, exitStatus } = stateOf(record);
  const { outcome } = report;
  const { label, headline } = headlineOf(report, outcome, name);
  const timeline = record.events.length === 0 ? null : timelineOf(record);
  return firstScreen({
    tone: toneOf(colour),
    // The command of a rollback names guard and the instance itself.
    call: record.started?.rolledBackTo === undefined ? commandTitle(target, 500) : shellWords(target.command),
    label,
    facts: [
      ...(exitStatus === null ? [] : [`exit status ${exitStatus}`]),
      ...(record.started === null ? [] : [timeText(record.started.at)]),
      ...(record.ended === null || record.started === null ? [] : [`took ${formatDuration(record.ended.ms)}`]),
    ],
    headline,
    found: { title: foundTitle(outcome), content: foundOf(report, outcome, output) },
    service: {
      title: serviceTitle(report, outcome),
      ...serviceOf(report, outcome, timeline),
    },
    next: nextStepList(nextStepsOf(report, outcome)),
  });
}

function headlineOf(
  report: RunReport,
  outcome: Outcome | null,
  state: string,
): { readonly label: string; readonly headline: Html | string } {
  const { record, facts, internalError, target } = report;
  if (outcome !== null) {
    const { label, headline } = summarizeOutcome(outcome, facts);
    if (outcome.outcome === 'waiting')
      return {
        label,
        headline: markup`${target.instance} is healthy after the change. Without a confirmation the change is rolled back at ${clockText(outcome.deadline, record.started?.at ?? 0)}.`,
      };
    return { label, headline: sentence(headline.slice(label.length + 2)) };
  }
  if (internalError !== null)
    return { label: 'internal error', headline: `guard failed while it worked on ${target.instance}.` };
  if (report.state === 'not-started')
    return { label: 'not started', headline: `The change of ${target.instance} has not started.` };
  return { label: state, headline: `The run on ${target.instance} has not ended.` };
}

function serviceTitle(report: RunReport, outcome: Outcome | null): string {
  if (isRehearsal(report)) return 'Was the instance touched?';
  return outcome?.outcome === 'kept' || outcome?.outcome === 'waiting'
    ? 'Does the service work?'
    : 'Is the service back?';
}

function isRehearsal({ facts, target }: RunReport): boolean {
  return facts.copy !== null || target.rehearsal === true;
}

function foundTitle(outcome: Outcome | null): string {
  switch (outcome?.outcome) {
    case 'kept':
    case 'waiting':
    case 'rehearsal-passed':
      return 'What was found';
    case undefined:
    case 'refused':
    case 'busy':
    case 'quarantined':
    case 'usage':
    case 'configuration':
    case 'instance-gone':
      return 'Why';
    default:
      return 'What failed';
  }
}

function foundOf(report: RunReport, outcome: Outcome | null, output: string): Html {
  const { internalError } = report;
  if (internalError !== null) return markup`<pre tabindex="0">${preformatted(internalError, 12)}</pre>`;
  if (outcome === null) return markup`<p>The record ends here. The timeline shows the last phase.</p>`;
  if ('refusal' in outcome) return markup`<pre tabindex="0">${preformatted(outcome.refusal.message, 12)}</pre>`;
  const reasons = decidingFindings(report.record);
  const failedRollback =
    outcome.outcome === 'rollback-failed'
      ? markup`<p class="reason">The rollback failed: ${outcome.message}</p><p>It was needed because of this:</p>`
      : null;
  if (isOfCommand(outcome) || reasons.length === 0)
    return markup`${failedRollback}${commandEndText(report, outcome)}${failureLog(report, output)}`;
  return markup`${failedRollback}${reasonList(reasons)}${failureLog(report, output)}`;
}

/** The log lines that show the failure: the command's own last ones, or those of the first unit that failed. */
export function failureLog({ record, facts }: RunReport, output: string): Html | null {
  const outcome = record.ended?.outcome ?? null;
  if (outcome !== null && isOfCommand(outcome)) return lastLines(output, 'The end of its output');
  return unitLogs(facts.unitLogs, 1);
}

function isOfCommand(outcome: Outcome): boolean {
  return 'cause' in outcome && outcome.cause === 'command';
}

/** A change that waited was in use: clients have written meanwhile. */
function lostText({ pointAt, stoppedAt }: RunFacts): Html {
  if (pointAt === null || stoppedAt === null) return markup``;
  return markup` What was written between ${timeText(pointAt)} and ${clockText(stoppedAt, pointAt)} is lost.`;
}

function commandEndText({ facts, record }: RunReport, outcome: Outcome): Html {
  if (outcome.outcome === 'instance-gone') return markup`<p class="reason">Somebody deleted the instance.</p>`;
  if (outcome.outcome === 'interrupted')
    return markup`<p class="reason">guard was interrupted by ${outcome.signal}.</p>`;
  if ('cause' in outcome && outcome.cause === 'not-confirmed')
    return markup`<p class="reason">The change was healthy, and it was ${facts.confirmation === 'refused' ? 'refused' : 'not confirmed in time'}.${lostText(facts)}</p>`;
  if (record.verdict?.verdict.verdict === 'healthy') return healthyText(record.verdict.verdict.checks.length, facts);
  if (outcome.outcome === 'kept' && record.verdict === null)
    return markup`<p class="reason">${facts.begun.includes('restore') ? 'The instance was rolled back to the restore point, as you asked.' : 'The change was kept, as decided before guard was interrupted.'}</p>`;
  if (facts.end === null) return markup`<p class="reason">The result of the command is unknown.</p>`;
  return markup`<p class="reason">The command ${describeCommandEnd(facts.end)}.</p>`;
}

function healthyText(checks: number, { coverage }: RunReport['facts']): Html {
  return markup`<p class="reason">Everything that worked before the change works after it.</p>
<p>${checks > 0 && `${checks} ${checks === 1 ? 'check was' : 'checks were'} run. `}${coverage !== null && coverage.compared.length > 0 && `Compared with the state before: ${coverage.compared.join(', ')}.`}</p>
${coverage !== null && coverage.missing.length > 0 && markup`<p class="failed">Not compared: ${coverage.missing.join(', ')}.</p>`}`;
}

/** How many reasons the first screen shows. */
const mostReasons = 3;

function reasonList(reasons: readonly Finding[]): Html {
  const rest = reasons.length - mostReasons;
  return markup`${reasons.slice(0, mostReasons).map(({ message }) => markup`<p class="reason">${message}</p>`)}
${rest > 0 && markup`<p>and ${rest} more, below</p>`}`;
}

/** The last log lines of so many units. */
export function unitLogs(logs: RunReport['facts']['unitLogs'], most: number): Html {
  return markup`${logs.slice(0, most).map(({ unit, lines }) => lastLines(lines.join('\n'), `Last log lines of ${unit}`))}`;
}

function lastLines(text: string, title: string): Html | null {
  if (text.trim() === '') return null;
  return markup`<p class="caption">${title}</p><pre tabindex="0">${preformatted(text, 8)}</pre>`;
}

/** The findings that decided: of the restored instance where that one is not healthy, else of the change. */
export function decidingFindings({ ended, verdict, verdictAgain }: RunReport['record']): readonly Finding[] {
  const decided = ended?.outcome.outcome === 'rolled-back-not-well' ? verdictAgain : verdict;
  return decided?.verdict.reasons ?? [];
}

interface ServiceState {
  readonly answer: string;
  readonly tone: Tone;
  readonly content: Html;
}

function serviceOf(report: RunReport, outcome: Outcome | null, timeline: Timeline | null): ServiceState {
  const state = (answer: string, tone: Tone, text: Html | string): ServiceState => ({
    answer,
    tone,
    content: markup`<p>${text}</p>${downtimeText(report, timeline)}`,
  });
  if (isRehearsal(report))
    return { answer: 'No', tone: 'good', content: markup`<p>Everything happened on an isolated copy.</p>` };
  switch (outcome?.outcome) {
    case undefined:
      return state(
        'Not known yet',
        'warn',
        report.state === 'not-started' ? 'The run has not started.' : 'The run has not ended.',
      );
    case 'kept':
    case 'waiting':
      return report.facts.verdict?.verdict === 'healthy' || report.facts.verdictAgain?.verdict === 'healthy'
        ? state('Yes', 'good', outcome?.outcome === 'kept' ? 'It is healthy.' : 'It is healthy with the change.')
        : state(
            'Not checked',
            'warn',
            'The change was kept, as decided before. The health of the instance was not checked again.',
          );
    case 'kept-unhealthy':
      return state('No', 'bad', 'The change was kept although it failed, as your policy says.');
    case 'kept-unchanged':
      return state('Yes', 'good', 'Nothing that guard compares had changed. The instance was not restarted.');
    case 'rolled-back':
    case 'interrupted':
      return stateAfterRollback(report, state);
    case 'rolled-back-not-well':
      return state('No', 'bad', 'The instance was restored and started, but not everything works as before.');
    case 'rollback-failed':
      return state('No', 'bad', 'guard could not restore the instance.');
    case 'instance-gone':
      return state('No', 'bad', 'The instance does not exist any more.');
    default:
      return { answer: 'Not affected', tone: 'plain', content: markup`<p>Nothing was changed.</p>` };
  }
}

function stateAfterRollback(
  { facts, record }: RunReport,
  state: (answer: string, tone: Tone, text: Html | string) => ServiceState,
): ServiceState {
  if (facts.verdictAgain?.verdict === 'healthy') {
    const since = record.verdictAgain?.at ?? null;
    return state(
      'Yes',
      'good',
      since === null
        ? 'Everything works as before the change.'
        : markup`Everything works as before the change: verified at ${clockText(since, record.started?.at ?? since)}.`,
    );
  }
  return record.commandBegan
    ? state('Not checked', 'warn', 'The instance was restored. Its health was not checked.')
    : state('Not affected', 'plain', 'The command had not started.');
}

/** How long the instance was stopped, and how long it may have been out of order in all. */
function downtimeText({ record, facts }: RunReport, timeline: Timeline | null): Html | null {
  const base = record.started?.at ?? 0;
  const down = timeline?.downtime ?? null;
  if (down === null) return record.commandBegan ? markup`<p>guard did not stop the instance.</p>` : null;
  if (down.to === null)
    return markup`<p class="failed">It was stopped at ${clockText(down.from, base)}. guard did not see it running again.</p>`;
  const stopped = markup`Stopped for ${formatDuration(down.to - down.from)}, until ${clockText(down.to, base)}.`;
  const began = record.phases.find(({ phase }) => phase === 'command' || phase === 'push')?.begunAt;
  const proven = facts.verdictAgain?.verdict === 'healthy' ? record.verdictAgain?.at : undefined;
  return markup`<p>${stopped}${began !== undefined && proven !== undefined && ` ${formatDuration(proven - began)} passed from the start of the change to this verification.`}</p>`;
}

/** What a person would do next, the most important first. */
function nextStepsOf(report: RunReport, outcome: Outcome | null): readonly NextStep[] {
  const { facts } = report;
  const guard = guardOn(facts);
  const show = showStep(facts);
  if (outcome !== null && isRehearsal(report)) return stepsAfterRehearsal(report, outcome);
  const undo: NextStep[] =
    facts.restorePoint === null ? [] : [{ text: 'To undo the change:', command: `${guard('rollback')} ${facts.run}` }];
  if (outcome === null)
    return report.state === 'not-started'
      ? [{ text: 'Wait until it starts.', command: null }]
      : [{ text: 'If guard is no longer running, finish the run:', command: guard('recover') }, ...show];
  switch (outcome.outcome) {
    case 'kept':
      return [{ text: 'Nothing.', command: null }, ...undo];
    case 'waiting':
      return [
        { text: 'Check that the change does what it should. To keep it:', command: guard('confirm') },
        {
          text: `To roll it back now (${facts.pointAt === null ? 'what was written since the restore point' : `what was written since ${formatTime(facts.pointAt)}`} is then lost):`,
          command: guard('rollback'),
        },
      ];
    case 'kept-unhealthy':
      return [{ text: 'A person must look at the instance.', command: guard('check') }, ...undo];
    case 'kept-unchanged':
      return [{ text: 'Correct the cause and run the command again.', command: null }, ...show];
    case 'rolled-back':
    case 'interrupted':
      return [
        { text: 'Nothing is urgent. Correct the cause before you repeat the change.', command: null },
        ...rehearsalOf(report, 'To try it on a copy first:'),
        ...show,
      ];
    case 'rolled-back-not-well':
      return [{ text: 'A person must look at the instance now. What fails:', command: guard('check') }, ...show];
    case 'rollback-failed':
      return [
        ...outcome.manualRecovery.map((command, index) => ({
          text: index === 0 ? 'Finish it by hand now:' : '',
          command,
        })),
        {
          text: outcome.manualRecovery.length === 0 ? 'Let guard try again:' : 'Or let guard try again:',
          command: guard('recover'),
        },
      ];
    case 'instance-gone':
      return [{ text: 'Nothing is left to recover.', command: null }];
    default:
      return 'refusal' in outcome ? [{ text: outcome.refusal.advice, command: null }, ...show] : show;
  }
}

function stepsAfterRehearsal(report: RunReport, outcome: Outcome): readonly NextStep[] {
  const show = showStep(report.facts);
  if ('refusal' in outcome) return [{ text: outcome.refusal.advice, command: null }, ...show];
  if (outcome.outcome === 'rehearsal-passed')
    return [...changeOf(report, 'To make the change on the instance:'), ...show];
  return [
    { text: 'Correct the cause before you make this change.', command: null },
    ...rehearsalOf(report, 'To rehearse it again:'),
    ...show,
  ];
}

/** A command of guard's about the instance of a run. */
function guardOn(facts: RunReport['facts']): (...words: string[]) => string {
  return (...words) => shellWords(['guard', ...words, ...addressOf(facts)]);
}

function showStep({ recorded, run }: RunReport['facts']): NextStep[] {
  return recorded ? [{ text: 'The whole record:', command: shellWords(['guard', 'show', run]) }] : [];
}

function rehearsalOf(report: RunReport, text: string): NextStep[] {
  return commandAgain(report, text, ['guard', 'rehearse']);
}

function changeOf(report: RunReport, text: string): NextStep[] {
  return commandAgain(report, text, ['guard']);
}

/** The same change once more; none where a package manager began it, whose transaction is no command. */
function commandAgain({ record, facts, target }: RunReport, text: string, words: readonly string[]): NextStep[] {
  const isCommand = record.started?.transaction === undefined && record.started?.rolledBackTo === undefined;
  if (!isCommand || target.command.length === 0 || (record.started?.pushes?.length ?? 0) > 0) return [];
  return [{ text, command: shellWords([...words, ...addressOf(facts), '--', ...target.command]) }];
}
