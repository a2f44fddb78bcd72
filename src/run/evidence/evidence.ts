import { randomBytes } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import type { RestorePoint, Verdict } from '../../event.ts';
import type { Facts } from '../../health/facts.ts';
import { gatherFacts } from '../../health/gather.ts';
import { describeFailure } from '../../platform/failure.ts';
import { err, ok, type Result } from '../../result.ts';
import { evidenceAnswer, evidenceInput, evidenceCommands } from './evidence-commands.ts';
import { inPhase } from '../recorder.ts';
import type { RunTools } from '../tools.ts';

/** The data of a run that is rolled back. */
export interface EvidenceSubject {
  readonly instance: string;
  /** The server's time of the restore point is the start of the log, because clocks of hosts differ. */
  readonly restorePoint: RestorePoint;
  /** The end of the output of the command; null if it is unknown. */
  readonly output: string | null;
  readonly factsBefore: Facts | null;
  /** The facts of the deciding observation; null if they must be gathered first. */
  readonly factsAfter: Facts | null;
  /** The verdict on the changed instance, if any. Its units are queried by name. */
  readonly verdict: Verdict | null;
}

/** For the facts, for all questions inside, and for all of it together, in milliseconds: an instance that hangs costs no more than that. */
const limits = { facts: 7_000, inside: 9_500, whole: 10_000 } as const;

/** The maximum size of a file, in bytes. There are at most seven files. */
const mostBytes = 1024 * 1024;

/** The maximum number of units that are queried by name. */
const mostUnits = 50;

/**
 * Saves what the restore is about to destroy (F40), in files beside the journal. Output
 * of the instance is stored unchanged and never displayed. Always ends, and never blocks the rollback.
 */
export async function saveEvidence(
  subject: EvidenceSubject,
  tools: Pick<RunTools, 'platform' | 'clock' | 'recorder'>,
): Promise<void> {
  const saved = await inPhase(
    tools,
    'evidence',
    () => saveAll(subject, tools),
    ({ files, missing }) => ({ ok: missing.length === 0, message: formatCount(files.length, missing.length) }),
  );
  await tools.recorder.record({ type: 'evidence-saved', ...saved });
}

interface Saved {
  /** Paths on this host. */
  readonly files: readonly string[];
  /** Names of files that could not be saved, each with the reason. */
  readonly missing: readonly string[];
}

async function saveAll(
  subject: EvidenceSubject,
  tools: Pick<RunTools, 'platform' | 'clock' | 'recorder'>,
): Promise<Saved> {
  const pieces = piecesOf(subject, tools);
  const ends = await Promise.all(
    pieces.map(async ({ file, content }) => {
      const saved = await within(tools.clock, limits.whole, savePiece(tools, file, content));
      if (!saved.ok) return { missing: `${file}: ${saved.error}` };
      return saved.value === null ? {} : { path: saved.value };
    }),
  );
  return {
    files: ends.flatMap((end) => ('path' in end ? [end.path] : [])),
    missing: ends.flatMap((end) => ('missing' in end ? [end.missing] : [])),
  };
}

/** One file and its content. */
interface Piece {
  readonly file: string;
  readonly content: Promise<Result<string, string>>;
}

function piecesOf(subject: EvidenceSubject, tools: Pick<RunTools, 'platform'>): Piece[] {
  const answers = askInside(subject, tools);
  return [
    ...(subject.output === null ? [] : [{ file: 'command-output.txt', content: Promise.resolve(ok(subject.output)) }]),
    ...(subject.factsBefore === null
      ? []
      : [
          { file: 'facts-before.json', content: Promise.resolve(asFile(subject.factsBefore)) },
          {
            file: 'facts-after.json',
            content:
              subject.factsAfter === null ? factsNow(subject, tools) : Promise.resolve(asFile(subject.factsAfter)),
          },
        ]),
    ...evidenceCommands.map(({ file }) => ({ file, content: answerOf(answers, file) })),
  ];
}

async function answerOf(
  answers: Promise<(file: string) => Result<string, string>>,
  file: string,
): Promise<Result<string, string>> {
  return (await answers)(file);
}

/** The path; null if there was nothing to write. */
async function savePiece(
  { recorder }: Pick<RunTools, 'recorder'>,
  file: string,
  content: Promise<Result<string, string>>,
): Promise<Result<string | null, string>> {
  const had = await content;
  if (!had.ok) return had;
  return had.value === '' ? ok(null) : recorder.saveEvidence(file, Buffer.from(had.value).subarray(0, mostBytes));
}

/** Runs all commands with one exec. Commands without an answer are missing in the result. */
async function askInside(
  subject: EvidenceSubject,
  { platform }: Pick<RunTools, 'platform'>,
): Promise<(file: string) => Result<string, string>> {
  const since = Math.floor(Date.parse(subject.restorePoint.createdAt) / 1000);
  const words = [Number.isNaN(since) ? 0 : since, mostBytes, ...unitsNamed(subject.verdict)].map(String);
  const nonce = randomBytes(16).toString('hex');
  const answer = await platform.query(subject.instance, {
    command: ['sh', '-s', ...words],
    environment: { LC_ALL: 'C', PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
    stdin: evidenceInput(nonce),
    cwd: '/',
    user: 0,
    group: 0,
    limitMs: limits.inside,
    maxBytes: evidenceCommands.length * mostBytes,
    readOnly: true,
  });
  if (!answer.ok) return () => err(describeFailure(answer.error));
  const { status, stdout, stderr } = answer.value;
  if (status === 127 && stdout === '') return () => err('there is no shell inside');
  return (file) => {
    const said = evidenceAnswer(`${stdout}\n${stderr}`, nonce, file);
    return said === null ? err('no complete answer in time') : ok(said);
  };
}

async function factsNow(
  { instance }: EvidenceSubject,
  { platform }: Pick<RunTools, 'platform'>,
): Promise<Result<string, string>> {
  const facts = await gatherFacts({ platform, instance, limitMs: limits.facts });
  if (facts.ok) return asFile(facts.value);
  return err(facts.error.kind === 'unreadable' ? facts.error.message : describeFailure(facts.error));
}

/** The units that the verdict's findings are about. */
function unitsNamed(verdict: Verdict | null): string[] {
  const findings = verdict === null ? [] : [...verdict.reasons, ...verdict.advisories];
  const units = findings.flatMap(({ subject }) => (subject.startsWith('unit:') ? [subject.slice('unit:'.length)] : []));
  return [...new Set(units)].slice(0, mostUnits);
}

/** An incomplete JSON file is useless. */
function asFile(facts: Facts): Result<string, string> {
  const text = `${JSON.stringify(facts)}\n`;
  return text.length <= mostBytes ? ok(text) : err(`they are larger than ${mostBytes} bytes`);
}

async function within(
  clock: Clock,
  limitMs: number,
  work: Promise<Result<string | null, string>>,
): Promise<Result<string | null, string>> {
  const over = new AbortController();
  try {
    return await Promise.race([work, tooLate(clock, limitMs, over.signal)]);
  } catch (bug) {
    // Whatever fails here, the rollback continues.
    return err(bug instanceof Error ? bug.message : String(bug));
  } finally {
    over.abort();
  }
}

async function tooLate(clock: Clock, limitMs: number, over: AbortSignal): Promise<Result<never, string>> {
  await clock.sleep(limitMs, over);
  return err('it took too long');
}

function formatCount(saved: number, missing: number): string {
  return `${saved} ${saved === 1 ? 'file' : 'files'} saved${missing === 0 ? '' : `, ${missing} could not be saved`}`;
}
