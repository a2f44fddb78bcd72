import { Option, type Command } from 'commander';
import { timeLimits } from '../config/limits.ts';
import type { Clock } from '../clock.ts';
import type { Outcome } from '../event.ts';
import { currentHolder, inspectHolder } from '../journal/holder.ts';
import { findRunId } from '../journal/run-id.ts';
import { readRun } from '../journal/runs.ts';
import { listRolloutIds, readRolloutEvents } from '../journal/rollouts.ts';
import type { RunPage } from '../report/page/run-page.ts';
import { rolloutStatus, rolloutsTable } from '../report/rollout-text.ts';
import { formatTime } from '../time.ts';
import { writeLines } from '../report/write.ts';
import { err, ok, type Result } from '../result.ts';
import { foldRollout, isOpen, type RolloutRecord } from '../rollout/record.ts';
import { abortEvent, describeEnd, reservedMembers, resumeEvent, unfinishedMembers } from '../rollout/resume.ts';
import { withdrawClaim, type ClaimedState } from '../rollout/shared-publisher.ts';
import { decodeRollouts, type SharedRollout, type SharedStore } from '../rollout/shared-record.ts';
import type { RecordedRolloutEvent, RolloutEvent } from '../rollout-event.ts';
import { busy, refused, refusedBecause } from '../run/refusal.ts';
import { neutralise, shellWords } from '../text.ts';
import type { Call } from './call.ts';
import { stateDirectoryOf, type Context } from './context.ts';
import { writePage, type PageOptions } from './page.ts';
import { surveyPushes } from './pushes.ts';
import { refuseUnwritableRecords } from './records.ts';
import { reportOutcome } from './report-outcome.ts';
import { withReports } from './reports.ts';
import { refuseWithoutKeeper } from './require-keeper.ts';
import type { RolloutCall } from './rollout-members.ts';
import { readConfiguration } from './resolve-settings.ts';
import { recoverMember, type Unrecovered } from './rollout-recovery.ts';
import {
  addRolloutOptions,
  journalWords,
  optionWords,
  readOptionWords,
  trustedWords,
  type RolloutOptions,
} from './rollout-options.ts';
import { confirmRollout, waitingMembers } from './rollout-confirm.ts';
import { rolloutSettings, runRollout, waitsForConfirmation } from './rollout-run.ts';
import { createServers, type Servers } from './rollout-servers.ts';
import { duration } from './values.ts';
import { addCommonOptions, addReportOption, addRunOptions, addTraceOption, type CommonOptions } from './run-options.ts';
import { UsageMistake } from './usage.ts';

const help = `
Exit status of resume and abort: as of the rollout, see \`guard --help\`; 30 if it cannot continue, 31 if another guard still runs it.`;

const confirmHelp = `
Exit status:
    0  the changes that waited are kept, or their deadlines were moved
   14  one of them was rolled back
   30  no change of the rollout waits for a confirmation
   64  the command line is wrong
   78  guard.yaml is wrong`;

type StatusOptions = CommonOptions & PageOptions;

interface ResumeOptions extends RolloutOptions {
  readonly takeOver?: boolean;
}

/** `guard rollout`: what became of a rollout, and how it goes on. */
export function defineRollout(program: Command, call: Call): void {
  const rollout = program.command('rollout').description('show, resume or end a change of many instances');
  rollout
    .command('status')
    .description('show the state of each instance of a rollout; without an id, list the rollouts')
    .argument('[rollout]', "id of the rollout, its beginning, or 'last'; remote:id for one that another host started")
    .option('--project <name>', 'the project of its instances (default: all projects of the server)')
    .option('--json', 'write the rollouts to stdout as JSON')
    .addOption(new Option('--html <file>', 'write the rollout as a page to this file').conflicts('json'))
    .option('--open', 'open the page of --html in the browser')
    .action(async (id: string | undefined, options: StatusOptions) => {
      if (options.html !== undefined && id === undefined)
        throw new UsageMistake('--html needs a rollout.', 'Write: guard rollout status last --html FILE');
      call.exit(await printStatus(call, id ?? null, options));
    });
  const resume = rollout
    .command('resume')
    .description('continue a rollout that was paused, stopped or interrupted, on this host or another')
    .argument('<rollout>', "id of the rollout, its beginning, or 'last'; remote:id for one that another host started")
    .option('--take-over', 'continue at once; only if the other host is certainly dead')
    .addHelpText('after', help);
  addTraceOption(addReportOption(addRolloutOptions(addRunOptions(resume)))).action(
    async (id: string, options: ResumeOptions) => {
      call.exit(await goOn(call.context, id, options, optionWords(resume, call.own), 'resume'));
    },
  );
  const confirm = rollout
    .command('confirm')
    .description('keep the changes of a rollout that wait for a confirmation (--confirm), so that its next wave begins')
    .argument('<rollout>', "id of the rollout, its beginning, or 'last'; remote:id for one that another host started")
    .addOption(
      new Option('--extend <time>', 'do not confirm yet: set the deadlines to this time from now').argParser(
        duration(timeLimits.extend),
      ),
    )
    .addHelpText('after', confirmHelp);
  addCommonOptions(confirm).action(async (id: string, options: CommonOptions & { readonly extend?: number }) => {
    call.exit(await confirmWave(call.context, id, options));
  });
  const abort = rollout
    .command('abort')
    .description('end a rollout now; one with --all-or-nothing rolls back what it kept')
    .argument('<rollout>', "id of the rollout, its beginning, or 'last'; remote:id for one that another host started")
    .option('--take-over', 'continue at once; only if the other host is certainly dead')
    .addHelpText('after', help);
  addTraceOption(addReportOption(addRunOptions(abort))).action(async (id: string, options: ResumeOptions) => {
    call.exit(await goOn(call.context, id, options, optionWords(abort, call.own), 'abort'));
  });
}

async function confirmWave(
  context: Context,
  id: string,
  options: CommonOptions & { readonly extend?: number },
): Promise<number> {
  const json = options.json ?? false;
  const servers = createServers(context);
  try {
    const found = await findRollout(context, servers, id, options);
    if (!found.ok) return await reportOutcome(context, json, found.error);
    const configuration = await readConfiguration(context, options);
    if (!configuration.ok) return await reportOutcome(context, json, configuration.error);
    const call = { context, servers, configuration: configuration.value, options };
    return await confirmRollout(call, found.value.record, options);
  } finally {
    await servers.close();
  }
}

async function printStatus(call: Call, id: string | null, options: StatusOptions): Promise<number> {
  const { context } = call;
  const state = stateDirectoryOf(context);
  const json = options.json ?? false;
  if (id === null) {
    const records = listRolloutIds(state).flatMap((one) => foldRollout(readRolloutEvents(state, one)) ?? []);
    await writeLines(
      context.stdout,
      json ? records.map((record) => JSON.stringify(record)) : rolloutsTable(records, inspectHolder),
    );
    return 0;
  }
  const servers = createServers(context);
  try {
    const found = await findRollout(context, servers, id, options);
    if (!found.ok) return await reportOutcome(context, json, found.error);
    const { record } = found.value;
    if (options.html !== undefined) {
      await writePage(call, await pageOf(call, record), options);
      return 0;
    }
    await writeLines(context.stdout, json ? [JSON.stringify(record)] : rolloutStatus(record, inspectHolder));
    return 0;
  } finally {
    await servers.close();
  }
}

/** With the runs that were not kept, as far as this host has their records. */
async function pageOf({ context }: Call, record: RolloutRecord): Promise<string> {
  const { rolloutPage } = await import('../report/page/rollout-page.ts');
  const { pageOfRecord } = await import('./page.ts');
  const state = stateDirectoryOf(context);
  const runs = new Map<string, RunPage>();
  for (const { label, run, state: memberState } of record.members) {
    const found = run === null || memberState === 'kept' ? null : await readRun(state, run);
    if (found !== null) runs.set(label, await pageOfRecord(found, context.version));
  }
  return rolloutPage({ record, runs, lookAtHolder: inspectHolder, version: context.version });
}

/** A rollout, and where it was found. */
interface FoundRollout {
  readonly record: RolloutRecord;
  /** Whether this host has no record of its own that is as new. */
  readonly isForeign: boolean;
  /** The beats on the server when the record was read. */
  readonly beats: ClaimedState['beats'];
  /** A project that had its record has it no more: another host may have ended it. */
  readonly isGone: boolean;
}

/** From the journal of this host; where another host went on with it, or began it, from the projects of the server. */
async function findRollout(
  context: Context,
  servers: Servers,
  text: string,
  options: CommonOptions,
): Promise<Result<FoundRollout, Outcome>> {
  const state = stateDirectoryOf(context);
  const colon = text.indexOf(':');
  const remote = colon < 0 ? null : text.slice(0, colon);
  const wanted = text.slice(colon + 1);
  const own = findRunId(listRolloutIds(state), wanted);
  if (!own.ok && own.error.kind === 'ambiguous')
    return err(
      refused(
        `Several rollouts begin with "${neutralise(wanted, 60)}".`,
        `There are: ${own.error.candidates.join(', ')}.`,
      ),
    );
  const record = own.ok && remote === null ? foldRollout(readRolloutEvents(state, own.value)) : null;
  if (record !== null) {
    for (const member of record.members) {
      const opened = await servers.open(member.remote, member.project);
      if (!opened.ok) return opened;
    }
    const stores = storesOf(servers, record);
    // Killed after its end was written here, or without an answer of the server: that record would block its instances.
    if (!isOpen(record))
      await withdrawClaim(record, null, {
        stores,
        storeOf: (member) => servers.of(member).store,
        clock: context.clock,
      });
    const shared: SharedCopies = isOpen(record) ? await readShared(stores, record.id) : new Map();
    const newer = [...shared.values()].find((copy) => copy !== null && copy.record.holder.id !== record.holder.id);
    const isGone = record.claimedIn.some((store) => shared.get(store) === null);
    return ok({ record: newer?.record ?? record, isForeign: newer !== undefined, beats: beatsOf(shared), isGone });
  }
  return findOnServer(servers, remote, wanted, options.project ?? null);
}

function storesOf(servers: Servers, record: RolloutRecord): readonly SharedStore[] {
  return [...new Set(record.members.map((member) => servers.of(member).store))];
}

/** A rollout as each project has it, by the store's id; null where it has none. What cannot be read is left out. */
type SharedCopies = ReadonlyMap<string, SharedRollout | null>;

async function readShared(stores: readonly SharedStore[], id: string): Promise<SharedCopies> {
  const copies = new Map<string, SharedRollout | null>();
  for (const store of stores) {
    const read = await store.read();
    const rollouts = read.ok ? decodeRollouts(read.value.text, store) : null;
    if (rollouts !== null) copies.set(store.id, rollouts.get(id) ?? null);
  }
  return copies;
}

function beatsOf(copies: SharedCopies): ClaimedState['beats'] {
  return new Map([...copies].map(([store, copy]) => [store, copy?.beat ?? null]));
}

async function findOnServer(
  servers: Servers,
  remote: string | null,
  wanted: string,
  project: string | null,
): Promise<Result<FoundRollout, Outcome>> {
  const first = await servers.open(remote, project);
  if (!first.ok) return first;
  const names = project === null ? await first.value.fleet.listProjects() : ok([project]);
  if (!names.ok) return err(refusedBecause(names.error));
  for (const name of names.value) {
    const opened = await servers.open(remote, name);
    if (!opened.ok) return opened;
    const read = await opened.value.store.read();
    const rollouts = read.ok ? decodeRollouts(read.value.text, opened.value.store) : null;
    const id = findRunId([...(rollouts?.keys() ?? [])].toSorted().toReversed(), wanted);
    const found = id.ok ? rollouts?.get(id.value)?.record : undefined;
    if (found === undefined) continue;
    for (const member of found.members) {
      const reached = await servers.open(member.remote, member.project);
      if (!reached.ok) return reached;
    }
    const shared = await readShared(storesOf(servers, found), found.id);
    const record = shared.get(opened.value.store.id)?.record;
    if (record === undefined) continue;
    return ok({ record, isForeign: true, beats: beatsOf(shared), isGone: false });
  }
  const where = remote === null ? '' : ` on the remote "${neutralise(remote, 60)}"`;
  return err(
    refused(
      `There is no rollout "${neutralise(wanted, 60)}"${where}.`,
      'See `guard rollout status` on the host that started it. On another host write remote:id; that works until the rollout ends.',
    ),
  );
}

/** Resumes a rollout, or ends it. */
async function goOn(
  context: Context,
  id: string,
  given: ResumeOptions,
  words: readonly string[],
  how: 'resume' | 'abort',
): Promise<number> {
  const json = given.json ?? false;
  const unwritable = await refuseUnwritableRecords(context, json);
  if (unwritable !== null) return unwritable;
  const servers = createServers(context);
  try {
    return await withReports(context, given, [], async (reporting) => {
      const found = await findRollout(reporting, servers, id, given);
      if (!found.ok) return reportOutcome(reporting, json, found.error);
      const admitted = await requireResumable(reporting, servers, found.value, given, words, how);
      if (!admitted.ok) return reportOutcome(reporting, json, admitted.error);
      const { record, isForeign } = found.value;
      const recordWords = isForeign ? trustedWords(record.options) : journalWords(record.options);
      const ownWords = [...recordWords, ...words.filter((word) => word !== '--take-over')];
      const options: RolloutOptions = { ...readOptionWords(ownWords), ...ofThisCall(given) };
      await reporting.reports?.expect(
        record.members.map(({ label }) => ({ instance: label, command: record.command })),
      );
      return goOnWith(reporting, servers, found.value, {
        options,
        words: ownWords,
        how,
        retryFailed: given.retry === true,
      });
    });
  } finally {
    await servers.close();
  }
}

/** What belongs to this command line, and not to the rollout. */
function ofThisCall({ json, quiet, report, trace, config, waitLock }: RolloutOptions): Partial<RolloutOptions> {
  const own = { json, quiet, report, trace, config, waitLock };
  return Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
}

/** Whether the rollout can go on here and now. */
async function requireResumable(
  context: Context,
  servers: Servers,
  { record, isForeign, beats, isGone }: FoundRollout,
  given: ResumeOptions,
  words: readonly string[],
  how: 'resume' | 'abort',
): Promise<Result<void, Outcome>> {
  const { id, status, holder, omitted } = record;
  const over = describeEnd(record, { isOnServer: isForeign, how });
  if (over !== null) return err(refused(over.message, over.advice));
  if (isGone && !isForeign && given.takeOver !== true)
    return err(
      refused(
        `The record of rollout ${id} is not on the server any more: another host continued and ended it, another rollout took its place, or somebody removed it.`,
        `See what became of its instances. To continue from the record of this host: guard rollout ${how} ${id} --take-over`,
      ),
    );
  const missing =
    isForeign && how === 'resume' ? omitted.filter((name) => !words.some((word) => word.startsWith(`${name}=`))) : [];
  if (missing.length > 0)
    return err(
      refused(
        `Rollout ${id} was started with ${missing.join(', ')}. Its record on the server does not contain this, because it may name secrets, or files and commands of host ${neutralise(holder.host, 100)}.`,
        `Pass it again: guard rollout resume ${id} ${missing.map((name) => `${name} …`).join(' ')}`,
      ),
    );
  if (status !== 'running') return ok(undefined);
  switch (inspectHolder(holder)) {
    case 'dead':
      return ok(undefined);
    case 'alive':
      return err(
        busy(
          `Rollout ${id} is in progress (pid ${holder.pid}).`,
          `Interrupt it there with Ctrl-C, or with: kill -INT ${holder.pid}`,
        ),
      );
    case 'elsewhere':
      return given.takeOver === true
        ? ok(undefined)
        : requireSilence(context, storesOf(servers, record), record, beats);
  }
}

/** Without a sign of life for so long, another host counts as dead. */
const silenceMs = 120_000;
const pollMs = 5000;

/** Waits to see whether the other host is still active. */
async function requireSilence(
  { clock, stderr, interrupter }: Context,
  stores: readonly SharedStore[],
  { id, holder }: RolloutRecord,
  beats: ClaimedState['beats'],
): Promise<Result<void, Outcome>> {
  const host = neutralise(holder.host, 100);
  const seen = new Map(beats);
  await writeLines(stderr, [
    `guard: waiting ${silenceMs / 1000} s to see whether host ${host}, which started rollout ${id}, is still active.`,
  ]);
  const deadline = clock.monotonic() + silenceMs;
  while (clock.monotonic() < deadline && !interrupter.signal.aborted) {
    await clock.sleep(Math.min(pollMs, deadline - clock.monotonic()), interrupter.signal);
    // A server that does not answer says nothing of that host.
    for (const [store, beat] of beatsOf(await readShared(stores, id))) {
      if (seen.has(store) && seen.get(store) !== beat)
        return err(busy(`Rollout ${id} is in progress on host ${host}.`, 'Interrupt it there, or wait until it ends.'));
      seen.set(store, beat);
    }
  }
  return interrupter.signal.aborted ? err(refused('The wait was interrupted.', '')) : ok(undefined);
}

async function goOnWith(
  context: Context,
  servers: Servers,
  { record, isForeign, beats }: FoundRollout,
  how: {
    readonly options: RolloutOptions;
    readonly words: readonly string[];
    readonly how: 'resume' | 'abort';
    readonly retryFailed: boolean;
  },
): Promise<number> {
  const json = how.options.json ?? false;
  const pushes = await surveyPushes(context, how.options);
  if (!pushes.ok) return reportOutcome(context, json, pushes.error);
  const configuration = await readConfiguration(context, how.options);
  if (!configuration.ok) return reportOutcome(context, json, configuration.error);
  const [executable = '', ...rest] = record.command;
  const call = {
    context,
    servers,
    configuration: configuration.value,
    options: how.options,
    words: [executable, ...rest] as const,
    pushes: pushes.value,
  };
  const settings = rolloutSettings(call, waitsForConfirmation(call, record.members));
  const settled = await requireNoneWaiting(call, record, how.how);
  if (!settled.ok) return reportOutcome(context, json, settled.error);
  const unkept = await refuseWithoutKeeper(context, settings.confirms && how.how === 'resume', how.options);
  if (unkept !== null) return unkept;
  if (!json && how.options.quiet !== true)
    await writeLines(context.stderr, [
      `guard: ${how.how === 'abort' ? 'ending' : 'resuming'} rollout ${record.id}: ${neutralise(shellWords(record.command), 500)}`,
    ]);
  const stamp = stampOf(record.id, context.clock);
  const first: RecordedRolloutEvent[] = isForeign
    ? [stamp({ type: 'rollout-imported', record: { ...record, options: how.words } })]
    : [];
  const unfinished = unfinishedMembers(record);
  if (unfinished.length > 0 && !json)
    await writeLines(context.stderr, [
      `guard: finishing the interrupted runs on ${neutralise(unfinished.map(({ label }) => label).join(', '), 500)}. This takes up to two minutes longer if guard cannot see whether the earlier guard is still running.`,
    ]);
  const reserved = isForeign ? reservedMembers(record) : [];
  const recovered = await Promise.all([...unfinished, ...reserved].map((member) => recoverMember(call, member)));
  const finished = withoutUnknown(recovered, { ...how, id: record.id });
  if (!finished.ok) return reportOutcome(context, json, finished.error);
  const events = finished.value.map(stamp);
  const known = events.reduce((before, event) => foldOne(before, event), record);
  const holder = currentHolder();
  const event = stamp(
    how.how === 'abort'
      ? abortEvent(known, settings, holder)
      : resumeEvent(known, settings, { holder, seen: record, retryFailed: how.retryFailed }),
  );
  return runRollout(call, {
    record: foldOne(known, event),
    settings,
    first: [...first, ...events, event],
    from: { record, beats },
    isAborted: how.how === 'abort',
  });
}

/** A wave that waits is not over: what comes next depends on it. */
async function requireNoneWaiting(
  call: RolloutCall,
  record: RolloutRecord,
  how: 'resume' | 'abort',
): Promise<Result<void, Outcome>> {
  const waiting = await waitingMembers(call, record);
  if (waiting.length === 0) return ok(undefined);
  const names = neutralise(waiting.map(({ member }) => member.label).join(', '), 500);
  const until = Math.max(...waiting.map(({ waiting: one }) => one.confirmation.deadline.at));
  return err(
    busy(
      `Changes of rollout ${record.id} wait for a confirmation until ${formatTime(until)}: ${names}.`,
      `Keep them with guard rollout confirm ${record.id}, or roll each back with guard rollback. Then: guard rollout ${how} ${record.id}`,
    ),
  );
}

/**
 * What became of the interrupted runs. Where that is not known for an instance, the change may be in place there, so the rollout
 * does not go on; with --skip-refused it goes on without that instance. An end begins nothing: there a person has to look at it.
 */
function withoutUnknown(
  recovered: readonly Result<RolloutEvent, Unrecovered>[],
  { id, how, options }: { readonly id: string; readonly how: 'resume' | 'abort'; readonly options: RolloutOptions },
): Result<RolloutEvent[], Outcome> {
  const unknown = recovered.flatMap((one) => (one.ok ? [] : one.error));
  const known = recovered.flatMap((one) => (one.ok ? one.value : []));
  const [first] = unknown;
  if (first === undefined) return ok(known);
  if (how === 'abort') return ok([...known, ...unknown.map((one) => unknownEnd(one, 'broken'))]);
  if (options.skipRefused === true) return ok([...known, ...unknown.map((one) => unknownEnd(one, 'skipped'))]);
  const names = unknown.map(({ member }) => neutralise(member.label, 100)).join(', ');
  return err(
    refused(
      `Rollout ${id} cannot continue: the interrupted run on ${names} could not be finished. ${first.message}`,
      `Try again later. To continue without ${unknown.length === 1 ? 'this instance' : 'these instances'}: guard rollout resume ${id} --skip-refused`,
    ),
  );
}

function unknownEnd({ member: { id, run }, message }: Unrecovered, state: 'broken' | 'skipped'): RolloutEvent {
  return { type: 'member-ended', id, run: run ?? '', state, outcome: null, message, ms: 0 };
}

function foldOne(record: RolloutRecord, event: RecordedRolloutEvent): RolloutRecord {
  return foldRollout([{ v: 1, rollout: record.id, at: event.at, type: 'rollout-imported', record }, event]) ?? record;
}

function stampOf(rollout: string, clock: Pick<Clock, 'now'>): (event: RolloutEvent) => RecordedRolloutEvent {
  return (event) => ({ ...event, v: 1, rollout, at: clock.now() });
}
