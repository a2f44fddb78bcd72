import { resolve } from 'node:path';
import type { Amount } from '../amount.ts';
import type { Outcome } from '../event.ts';
import { currentHolder, inspectHolder } from '../journal/holder.ts';
import { newRunId } from '../journal/run-id.ts';
import { listRolloutIds, openRolloutJournal, readRolloutEvents, type RolloutJournal } from '../journal/rollouts.ts';
import { formatAmount, parallelOf } from '../amount.ts';
import type { RolloutView } from '../report/rollout-situation.ts';
import { createRolloutView } from '../report/rollout-view.ts';
import { refusedMemberLines } from '../report/rollout-text.ts';
import { writeLines } from '../report/write.ts';
import { err, ok, type Result } from '../result.ts';
import { executeRollout, type RolloutTools } from '../rollout/execute.ts';
import { assignWaves, type RolloutSettings } from '../rollout/planner.ts';
import { foldRollout, type MemberRecord, type RolloutRecord } from '../rollout/record.ts';
import { createReservations, mayPublishLater, type RunReservations } from '../rollout/reservation.ts';
import { createWaveGate, type WaveGate } from '../rollout/wave-gate.ts';
import { longestName } from '../rollout/shared-record.ts';
import { labelOf, memberId, type Candidate } from '../rollout/selection.ts';
import {
  claimInstances,
  createPublisher,
  withdrawClaim,
  type ClaimedState,
  type PublisherOptions,
  type PublishFailure,
  type SharedPublisher,
} from '../rollout/shared-publisher.ts';
import type { InstanceAddress } from '../instance-address.ts';
import type { RecordedRolloutEvent, RolloutMember } from '../rollout-event.ts';
import { exitStatusOf } from '../run/outcome.ts';
import { busy, refused } from '../run/refusal.ts';
import { neutralise } from '../text.ts';
import { stateDirectoryOf, type Context } from './context.ts';
import { surveyPushes } from './pushes.ts';
import { refuseUnwritableRecords } from './records.ts';
import { reportOutcome } from './report-outcome.ts';
import { withReports } from './reports.ts';
import { refuseWithoutKeeper } from './require-keeper.ts';
import { readConfiguration, configuredRollout } from './resolve-settings.ts';
import {
  inspectMember,
  memberSettings,
  rehearseCanary,
  revertMember,
  runMember,
  type RolloutCall,
} from './rollout-members.ts';
import { journalWords, sharedWords, type RolloutOptions } from './rollout-options.ts';
import { chooseInstances, createServers, type Servers } from './rollout-servers.ts';

/** How many instances are inspected at once. */
const inspectedAtOnce = 8;

interface RolloutRequest {
  readonly instances: readonly string[];
  readonly words: readonly [string, ...string[]];
  readonly options: RolloutOptions;
  readonly optionWords: readonly string[];
}

/** `guard` on several instances: chooses, inspects all of them, claims them, and runs the rollout. */
export function startRollout(context: Context, request: RolloutRequest): Promise<number> {
  const { instances, words, options } = request;
  const named = instances.map((instance) => ({ instance, command: words }));
  return withReports(context, options, named, (reporting) => startReportedRollout(reporting, request));
}

async function startReportedRollout(context: Context, request: RolloutRequest): Promise<number> {
  const { options } = request;
  const json = options.json ?? false;
  const unwritable = await refuseUnwritableRecords(context, json);
  if (unwritable !== null) return unwritable;
  const servers = createServers(context);
  try {
    const chosen = await chooseMembers(context, servers, request);
    if (!chosen.ok) return await reportOutcome(context, json, chosen.error);
    const { call, settings, members } = chosen.value;
    const unkept = await refuseWithoutKeeper(context, settings.confirms, options);
    if (unkept !== null) return unkept;
    await context.reports?.expect(
      members.map((member) => ({ instance: labelOf(member, members), command: request.words })),
    );
    const admitted = await admit(call, members, options);
    if (typeof admitted === 'number') return admitted;
    const planned = planMembers(admitted, settings);
    const id = newRunId(context.clock.now());
    const event: RecordedRolloutEvent = {
      v: 1,
      rollout: id,
      at: context.clock.now(),
      type: 'rollout-started',
      version: context.version,
      command: request.words,
      options: [...journalWords(request.optionWords), ...fileWords(call), ...settingWords(settings)],
      members: planned,
      holder: currentHolder(),
    };
    const record = foldRollout([event]) as RolloutRecord;
    await context.reports?.expect(planned.map(({ label }) => ({ instance: label, command: request.words })));
    const stopped = await rehearseCanary(call, record);
    if (stopped !== null) return stopped;
    return await runRollout(call, { record, settings, first: [event], from: null, isAborted: false });
  } finally {
    await servers.close();
  }
}

/** How the rollout proceeds, and by what its instances are kept apart. */
export type RolloutChoice = RolloutSettings & { readonly spreadBy: string | null };

/** Flags win over guard.yaml, which wins over the defaults. */
export function rolloutSettings(
  call: Pick<RolloutCall, 'options' | 'configuration'>,
  confirms: boolean,
): RolloutChoice {
  return { ...configuredRollout(call), confirms };
}

/** The settings as option words: whoever resumes has the same, whatever its own guard.yaml says. */
function settingWords(settings: RolloutChoice): string[] {
  const word = (name: string, amount: Amount): string => `--${name}=${formatAmount(amount)}`;
  return [
    word('max-parallel', settings.maxParallel),
    `--canary=${settings.canary}`,
    `--pause=${settings.pauseMs}ms`,
    word('max-failures', settings.maxFailures),
    ...(settings.spreadBy === null ? [] : [`--spread-by=${settings.spreadBy}`]),
    settings.allOrNothing ? '--all-or-nothing' : '--no-all-or-nothing',
  ];
}

/** The guard.yaml that was found: whoever resumes elsewhere, or with another one beside, has to name it. */
function fileWords({ context, configuration: { file } }: RolloutCall): string[] {
  return file === null ? [] : [`--config=${resolve(context.workingDirectory, file.path)}`];
}

/** Chooses the instances of a command line, and reads what is configured for them. */
export async function chooseMembers(
  context: Context,
  servers: Servers,
  request: {
    readonly instances: readonly string[];
    readonly words: readonly [string, ...string[]];
    readonly options: RolloutOptions;
  },
): Promise<Result<{ call: RolloutCall; settings: RolloutChoice; members: readonly Candidate[] }, Outcome>> {
  const { options, words } = request;
  const pushes = await surveyPushes(context, options);
  if (!pushes.ok) return pushes;
  const configuration = await readConfiguration(context, options);
  if (!configuration.ok) return configuration;
  const members = await chooseInstances(servers, {
    words: request.instances,
    groups: configuration.value.groups,
    project: options.project ?? null,
    all: options.all ?? false,
    allProjects: options.allProjects ?? false,
    filters: options.filter ?? [],
  });
  if (!members.ok) return members;
  const call = { context, servers, configuration: configuration.value, options, words, pushes: pushes.value };
  const wrong = members.value.map((member) => memberSettings(call, member)).find((settings) => !settings.ok);
  if (wrong?.ok === false) return wrong;
  return ok({
    call,
    settings: rolloutSettings(call, waitsForConfirmation(call, members.value)),
    members: members.value,
  });
}

/** Whether a change of these instances waits for a confirmation, by a flag or by guard.yaml. */
export function waitsForConfirmation(
  call: Pick<RolloutCall, 'configuration' | 'options'>,
  members: readonly InstanceAddress[],
): boolean {
  return members.some((member) => {
    const settings = memberSettings(call, member);
    return settings.ok && settings.value.confirmMs !== null;
  });
}

/** The instances in their waves, with the groups that are kept apart. */
export function planMembers(members: readonly Candidate[], settings: RolloutChoice): RolloutMember[] {
  const named = members.map((member) => ({
    id: memberId(member),
    label: labelOf(member, members),
    remote: member.remote,
    project: member.project,
    name: member.name,
    group: groupOf(member, settings.spreadBy),
  }));
  return assignWaves(named, settings).map(({ wave, ...member }) => ({
    ...member,
    wave: wave.number,
    canary: wave.canary,
  }));
}

/** An instance without the key is in no group. */
function groupOf({ location, expandedConfig, remote }: Candidate, spreadBy: string | null): string | null {
  if (spreadBy === null) return null;
  // As much of it as the record on the server takes: two that begin alike are kept apart, which harms nobody.
  if (spreadBy !== 'location') return expandedConfig[spreadBy]?.slice(0, longestName) ?? null;
  // Members of two clusters may have the same name.
  return location === 'none' ? (remote ?? 'local') : `${remote === null ? '' : `${remote}:`}${location}`;
}

/** Inspects all before the first is touched. The exit status where one is refused; else those that take part. */
export async function admit(
  call: RolloutCall,
  members: readonly Candidate[],
  options: RolloutOptions,
): Promise<readonly Candidate[] | number> {
  const { context } = call;
  const refusals: { readonly label: string; readonly member: Candidate; readonly outcome: Outcome }[] = [];
  const queue = [...members];
  const work = async (): Promise<void> => {
    for (let member = queue.shift(); member !== undefined; member = queue.shift()) {
      const inspected = await inspectMember(call, member);
      if (!inspected.ok) refusals.push({ label: labelOf(member, members), member, outcome: inspected.error });
    }
  };
  await Promise.all(Array.from({ length: inspectedAtOnce }, work));
  if (refusals.length === 0) return members;
  const left = members.filter((member) => !refusals.some((one) => one.member === member));
  if (options.skipRefused === true && left.length > 0) {
    if (options.quiet !== true)
      await writeLines(
        context.stderr,
        refusedMemberLines(refusals).map((line) => `${line} Skipped.`),
      );
    return left;
  }
  for (const { label, outcome } of refusals) await reportRefusal(call, label, outcome);
  // Each instance has its own refusal in the reports.
  const { reports: _reports, ...shown } = context;
  const isBusy = refusals.every(({ outcome }) => outcome.outcome === 'busy');
  const [first] = refusals;
  const lines = refusedMemberLines(refusals);
  if (refusals.length === 1 && first !== undefined && 'refusal' in first.outcome) {
    const { message, advice } = first.outcome.refusal;
    const told = { message: `${neutralise(first.label)}: ${message}`, advice };
    return reportOutcome(shown, options.json ?? false, { ...first.outcome, refusal: told });
  }
  if (options.json !== true) await writeLines(context.stderr, lines);
  const message = `${refusals.length} of ${members.length} instances are refused: ${refusals
    .map(({ label }) => neutralise(label, 100))
    .slice(0, 20)
    .join(', ')}.`;
  const advice = left.length === 0 ? '' : 'Skip them with --skip-refused.';
  return reportOutcome(shown, options.json ?? false, isBusy ? busy(message, advice) : refused(message, advice));
}

async function reportRefusal({ context, words }: RolloutCall, label: string, outcome: Outcome): Promise<void> {
  const listener = await context.reports?.follow({ instance: label, command: words });
  const at = context.clock.now();
  await listener?.({ v: 1, run: newRunId(at), at, type: 'run-ended', outcome, ms: 0 });
}

/** What a rollout begins or goes on with. */
export interface RolloutStart {
  readonly record: RolloutRecord;
  readonly settings: RolloutSettings;
  /** Events that are recorded before anything else. */
  readonly first: readonly RecordedRolloutEvent[];
  /** What it is taken over from; null for a new one. */
  readonly from: ClaimedState | null;
  readonly isAborted: boolean;
}

/** Claims the instances, and runs the rollout to its end or its pause. Returns the exit status. */
export async function runRollout(call: RolloutCall, start: RolloutStart): Promise<number> {
  const { context, servers, options } = call;
  const { clock } = context;
  const json = options.json ?? false;
  const stores = [...new Set(start.record.members.map((member) => servers.of(member).store))];
  const storeOf = (member: { readonly remote: string | null; readonly project: string }) => servers.of(member).store;
  const from = start.from === null ? null : { ...start.from, record: sharedRecord(start.from.record) };
  const claimed = await claimOrWait(call, () =>
    claimInstances(sharedRecord(start.record), {
      stores,
      storeOf,
      clock,
      lookAtHolder: inspectHolder,
      from,
    }),
  );
  if (!claimed.ok) return reportOutcome(context, json, claimed.error);
  const claimedIn = stores
    .map(({ id }) => id)
    .filter((id) => !claimed.value.unwritable.some(({ store }) => store.id === id));
  const unshared = start.record.members.filter((member) => !claimedIn.includes(storeOf(member).id));
  const alone = requireAlone(context, start.record.id, unshared);
  const opened = alone.ok ? await openJournalWith(context, start, claimedIn) : alone;
  if (!opened.ok) {
    await withdrawClaim(start.record, from, { stores, storeOf, clock });
    return reportOutcome(context, json, opened.error);
  }
  const journal = opened.value;
  const view = await createRolloutView({ ...context, json, quiet: options.quiet ?? false, settings: start.settings });
  const tell = (message: string): void => view.tell(`guard: ${message}`);
  for (const { failure } of claimed.value.unwritable)
    tell(`${failure.message} The rollout is therefore recorded only on this host: resume it here.`);
  const publishing = startPublishing(context, {
    stores: stores.filter((store) => !claimed.value.unwritable.some((one) => one.store.id === store.id)),
    storeOf,
    ahead: Math.max(reservedAtLeast, parallelOf(start.settings.maxParallel, start.record.members.length)),
    tell,
  });
  const { publisher, reservations, runIds, takenOver } = publishing;
  const recorder = recorderOf(context, { journal, publishing, view, tell });
  const gate = createWaveGate(start.record.members);
  const { id: rollout } = start.record;
  try {
    for (const event of start.first) await recorder.announce(event, start.record);
    const { exitStatus } = await executeRollout(start.record, start.settings, {
      clock,
      interrupted: context.interrupter.signal,
      isAborted: start.isAborted,
      skipRefused: options.skipRefused ?? false,
      newRunId: runIds,
      runIdFor: ({ id }) => reservations.runIdFor(id),
      record: leavingGate(gate, recorder.record),
      runMember: (member, run, { permission, onWaiting }) =>
        runMember(call, view, member, run, { rollout, permission, wait: { gate, onWaiting } }),
      revertMember: (member, run, permission) =>
        revertMember(call, view, member, run, { rollout, permission, wait: null }),
      signalStatus: () => signalStatus(context),
      takenOver,
      renew: publisher.renew,
      proveOwn: async () => inWords(await publisher.proveOwn()),
    });
    return exitStatus;
  } finally {
    publisher.close();
    await view.close();
    await journal.close();
  }
}

/** What keeps the record on the servers up to date, and finds that another host has taken the rollout over. */
interface Publishing {
  readonly publisher: SharedPublisher;
  readonly reservations: RunReservations;
  readonly runIds: () => string;
  readonly takenOver: AbortSignal;
}

function startPublishing(
  { clock }: Context,
  how: Pick<PublisherOptions, 'stores' | 'storeOf'> & {
    /** The runs of so many instances are reserved. */
    readonly ahead: number;
    readonly tell: (message: string) => void;
  },
): Publishing {
  const takenOver = new AbortController();
  const runIds = uniqueRunIds(clock);
  const reservations = createReservations(how.ahead, runIds);
  const troubles = new Map<string, string>();
  const publisher = createPublisher({
    clock,
    stores: how.stores,
    storeOf: how.storeOf,
    // Told once, however often the write is tried again.
    onTrouble: (store, { message }) => {
      if (troubles.get(store.id) !== message) how.tell(message);
      troubles.set(store.id, message);
    },
    onTakenOver: () => takenOver.abort(),
    onPublished: (record, since) => {
      troubles.clear();
      reservations.onPublished(record, since);
    },
  });
  return { publisher, reservations, runIds, takenOver: takenOver.signal };
}

/** Where guard may not write to the projects, the journals of this host alone tell of its other rollouts. */
function requireAlone(context: Context, own: string, members: readonly MemberRecord[]): Result<void, Outcome> {
  if (members.length === 0) return ok(undefined);
  const state = stateDirectoryOf(context);
  const ids = new Set(members.map(({ id }) => id));
  for (const id of listRolloutIds(state)) {
    const other = id === own ? null : foldRollout(readRolloutEvents(state, id));
    const both = other?.status === 'running' ? other.members.find((member) => ids.has(member.id)) : undefined;
    if (other != null && both !== undefined && inspectHolder(other.holder) === 'alive')
      return err(
        busy(
          `Rollout ${id} (pid ${other.holder.pid}), which also has ${neutralise(both.label, 200)}, is in progress.`,
          'Wait for its end, and try again.',
        ),
      );
  }
  return ok(undefined);
}

/** The journal, with the first events in it: a rollout that this host cannot record changes nothing. */
async function openJournalWith(
  context: Context,
  start: Pick<RolloutStart, 'record' | 'first' | 'from'>,
  claimedIn: readonly string[],
): Promise<Result<RolloutJournal, Outcome>> {
  const { first } = start;
  const { id } = start.record;
  const state = stateDirectoryOf(context);
  if (wasResumedMeanwhile(state, start))
    return err(busy(`Another guard resumed rollout ${id} at the same moment.`, `See guard rollout status ${id}.`));
  const journal = await openRolloutJournal(state, id);
  if (!journal.ok) return err(unrecorded(journal.error));
  const claim: RecordedRolloutEvent = {
    v: 1,
    rollout: id,
    at: context.clock.now(),
    type: 'rollout-claimed',
    stores: claimedIn,
  };
  for (const event of [...first, claim]) {
    const written = await journal.value.append(event);
    if (written.ok) continue;
    await journal.value.close();
    return err(unrecorded(written.error));
  }
  return journal;
}

/** Where guard may not write to the projects, the journal alone keeps two of this host apart. */
function wasResumedMeanwhile(state: string, { record, first, from }: Pick<RolloutStart, 'record' | 'first' | 'from'>) {
  const isFromJournal = from !== null && !first.some(({ type }) => type === 'rollout-imported');
  const now = isFromJournal ? foldRollout(readRolloutEvents(state, record.id)) : null;
  return now !== null && now.holder.id !== from?.record.holder.id;
}

function unrecorded(why: string): Outcome {
  return refused(`The rollout could not be recorded: ${why}`, 'Make room there.');
}

/** How long a server that does not take the record is asked again before a change begins, in milliseconds, and how often. */
const publishLimitMs = 30_000;
const publishPollMs = 1000;

/** Whoever goes on with the rollout has to know that a change may have begun; a record that is left blocks its instances. */
function isWaitedFor({ type }: RecordedRolloutEvent): boolean {
  return type === 'member-begun' || type === 'rollout-ended';
}

interface RolloutRecorder {
  readonly record: RolloutTools['record'];
  /** The same for an event that is in the journal already. */
  readonly announce: RolloutTools['record'];
}

/** Makes the events of a rollout durable, here and in its projects, and shows them. */
function recorderOf(
  { clock, reports, interrupter }: Context,
  how: {
    readonly journal: RolloutJournal;
    readonly publishing: Publishing;
    readonly view: RolloutView;
    readonly tell: (message: string) => void;
  },
): RolloutRecorder {
  const { publisher, reservations, takenOver } = how.publishing;
  const over = AbortSignal.any([interrupter.signal, takenOver]);

  async function publish(event: RecordedRolloutEvent, record: RolloutRecord): Promise<Result<void, string>> {
    const now = clock.boottime();
    if (mayPublishLater(event, (id) => reservations.isPublished(id, now))) {
      publisher.publishSoon(record);
      return ok(undefined);
    }
    const giveUpAt = clock.monotonic() + (isWaitedFor(event) ? publishLimitMs : 0);
    let written = await publisher.publish(record);
    while (!written.ok && !written.error.isFinal && !over.aborted && clock.monotonic() < giveUpAt) {
      await clock.sleep(publishPollMs, over);
      written = await publisher.renew();
    }
    return inWords(written);
  }

  const announce: RolloutTools['record'] = async (event, after) => {
    const published = await publish(event, reservations.withReservations(sharedRecord(after)));
    await how.view.onRolloutEvent(event, after);
    await reports?.followRollout(after);
    return published;
  };
  return {
    announce,
    record: async (event, after) => {
      const written = await how.journal.append(event);
      if (!written.ok) how.tell(`The rollout's record cannot be written: ${written.error}`);
      const published = await announce(event, after);
      return written.ok ? published : written;
    },
  };
}

function inWords(written: Result<void, PublishFailure>): Result<void, string> {
  return written.ok ? written : err(written.error.message);
}

/** No change waits at the gate for an instance whose turn ended without a run. */
function leavingGate(gate: WaveGate, record: RolloutTools['record']): RolloutTools['record'] {
  return (event, after) => {
    if (event.type === 'member-ended') gate.leave(event.id);
    return record(event, after);
  };
}

/** The runs of so many instances are reserved, also where fewer change at once. */
const reservedAtLeast = 10;

/** In one second there are many of a rollout, which must not have one id. */
function uniqueRunIds(clock: Context['clock']): () => string {
  const used = new Set<string>();
  return () => {
    let id = newRunId(clock.now());
    while (used.has(id)) id = newRunId(clock.now());
    used.add(id);
    return id;
  };
}

function signalStatus({ interrupter }: Context): number | null {
  const signal = interrupter.by();
  return signal === null ? null : exitStatusOf({ outcome: 'interrupted', signal });
}

/** Without what names files, secrets or commands of this host. */
function sharedRecord(record: RolloutRecord): RolloutRecord {
  const { options, omitted } = sharedWords(record.options);
  return { ...record, options, omitted: [...new Set([...record.omitted, ...omitted])] };
}

const claimPollMs = 1000;

/** With --wait-lock another rollout over one of the instances is waited for. */
async function claimOrWait<T>(
  { context, options, configuration }: RolloutCall,
  claim: () => Promise<
    Result<T, { readonly kind: 'busy' | 'refused'; readonly message: string; readonly advice: string }>
  >,
): Promise<Result<T, Outcome>> {
  const deadline = context.clock.monotonic() + (options.waitLock ?? configuration.defaults.waitLockMs ?? 0);
  for (;;) {
    const claimed = await claim();
    if (claimed.ok) return claimed;
    const { kind, message, advice } = claimed.error;
    const isOver = context.clock.monotonic() >= deadline || context.interrupter.signal.aborted;
    if (kind === 'refused' || isOver) return err(kind === 'busy' ? busy(message, advice) : refused(message, advice));
    await context.clock.sleep(claimPollMs, context.interrupter.signal);
  }
}
