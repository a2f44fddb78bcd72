// One case rehearsed and then run: the two verdicts have to be the same, unless the change needs the outside.
import { run } from './host.mjs';
import { prepare } from './trial.mjs';

/** What the exit status of a rehearsal, or of a run, says of the change. */
const verdictOf = (status) =>
  status === 0 ? 'healthy' : [10, 11, 12, 33].includes(status) ? 'broken' : status === 34 ? 'inconclusive' : 'neither';

/**
 * A case compared: the verdict of the rehearsal and where it failed (`change`, `restart` or null), the verdict of the run, and
 * what the rehearsal could not reach. A rehearsal always restarts the copy: where it fails there, the run restarts, too.
 */
export const rehearseCase = async (one, { name, program, state }) => {
  const startedAt = performance.now();
  const remove = () => run('incus', ['delete', '--force', name]);
  const guard = async (...flags) => {
    const words = [program, ...flags, '--json', name, '--', 'sh', '-c', one.change];
    const { status, stdout, stderr } = await run(process.execPath, words, {
      limitSeconds: 1500,
      env: { GUARD_STATE_DIR: state },
    });
    return { status, events: eventsOf(stdout), said: `${stdout}\n${stderr}` };
  };
  await remove();
  try {
    await prepare(name, one);
    const rehearsal = await guard('rehearse');
    const report = rehearsal.events.find(({ type }) => type === 'rehearsal-report')?.report;
    const failedAt = report?.failedAt ?? null;
    const flags = one.restart || failedAt === 'restart' ? ['--restart'] : [];
    const real = await guard('--retry', ...flags);
    const outside = report?.refusedHosts ?? [];
    const needsOutside = verdictOf(rehearsal.status) === 'inconclusive' && outside.length > 0;
    const right = needsOutside || verdictOf(rehearsal.status) === verdictOf(real.status);
    return {
      one,
      rehearsal: rehearsal.status,
      real: real.status,
      failedAt,
      outside,
      needsOutside,
      right,
      reasons: [reasonsOf(rehearsal.events), reasonsOf(real.events)],
      said: `${rehearsal.said}\n--- the run\n${real.said}`,
      seconds: took(startedAt),
    };
  } catch (error) {
    const nothing = { rehearsal: '-', real: '-', failedAt: null, outside: [], needsOutside: false, reasons: ['', ''] };
    return { one, ...nothing, right: false, said: String(error), seconds: took(startedAt) };
  } finally {
    await remove();
  }
};

const took = (startedAt) => Math.round((performance.now() - startedAt) / 1000);

const eventsOf = (stdout) =>
  stdout.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line)];
    } catch {
      return [];
    }
  });

/** Why the last verdict was against the change; empty where it was not. */
const reasonsOf = (events) => {
  const verdict = events.findLast(({ type, afterRollback }) => type === 'verdict' && !afterRollback)?.verdict;
  const ended = events.findLast(({ type }) => type === 'command-ended')?.end;
  if (verdict === undefined) return ended === undefined ? '' : `the command ended with ${ended.status}`;
  return verdict.reasons.map(({ message }) => message).join('; ');
};

export const describeComparison = ({ one, rehearsal, real, failedAt, needsOutside, right, seconds }) =>
  `${right ? 'same' : 'DIFFERENT'}  ${one.name}: rehearsal ${rehearsal}${failedAt === null ? '' : ` (${failedAt})`}, run ${real}${needsOutside ? ', needs the outside' : ''}, ${seconds} s`;

/** Both verdicts of all cases, and a last line that says how many were the same. */
export const tableOfComparisons = (results) => {
  const width = Math.max(4, ...results.map(({ one }) => one.name.length));
  const rows = results.map(({ one, rehearsal, real, failedAt, needsOutside, outside, right, seconds }) =>
    [
      one.name.padEnd(width),
      `${rehearsal} ${verdictOf(rehearsal)}`.padEnd(15),
      (failedAt ?? '').padEnd(9),
      `${real} ${verdictOf(real)}`.padEnd(11),
      `${seconds} s`.padStart(5),
      needsOutside ? ` needs ${outside.slice(0, 3).join(', ')}` : right ? ' same' : ' DIFFERENT',
    ].join('  '),
  );
  const reasons = results
    .filter(({ right }) => !right)
    .map(({ one, reasons: [rehearsed, real], said }) =>
      [`${one.name}:`, `  rehearsal: ${rehearsed || said.slice(-300)}`, `  run:       ${real}`].join('\n'),
    );
  const count = (is) => results.filter(is).length;
  const head = `${'CASE'.padEnd(width)}  REHEARSAL        FAILED AT  RUN           TIME  VERDICTS`;
  const last = `${count(({ right, needsOutside }) => right && !needsOutside)} of ${results.length} the same, ${count(({ needsOutside }) => needsOutside)} need the outside, ${count(({ right }) => !right)} different; ${count(({ real }) => verdictOf(real) === 'broken')} were broken`;
  return [head, ...rows, '', ...reasons, last].join('\n');
};
