import type { Step } from './search.ts';

/**
 * The protocol of lock, lease, marker, journal, recovery and takeover, reduced to what decides who may touch an instance.
 * Two guarded runs (A on host 1, C on host 2), two recoveries (R on host 1, S on host 2), a user, and a world in which
 * processes die, answers are lost, links are silent for longer than the lease, and records cannot be written or are torn.
 */

/** What the protocol under test does. The first value of each is what the project does. */
export interface Rules {
  /** Before each attempt of a request that changes something, the lease is read again; else once before the first. */
  readonly proof: 'each-request' | 'once';
  /** A holder that was silent for longer than the lease never acts again; else it goes on when it is back. */
  readonly silence: 'is-lost' | 'goes-on';
  /** The process is dead only where the kernel of this host says so; else a name and a number are believed. */
  readonly identity: 'proven' | 'believed';
  /** The command begins only when the record of that is on the disk. */
  readonly record: 'is-a-condition' | 'is-told';
  /** A marker on the instance without a record that the command began means that the instance goes back. */
  readonly marker: 'counts' | 'yields-to-record';
  /** Whoever takes a run over writes its own marker, so that the etag of the instance changes. */
  readonly takeover: 'marks' | 'silent';
  /** A restore point is removed under a name of its own; else under the name that every run uses. */
  readonly removal: 'own-name' | 'shared-name';
  /** A request whose answer was lost is found out by looking; else a missing snapshot counts as renamed. */
  readonly renaming: 'looks' | 'missing-is-success';
  /** A change that waits is given up by a compare-and-swap of the marker; else by reading it before. */
  readonly refusal: 'compared' | 'read-first';
  /** A host without the record says "kept" where the instance has the note of that; else where the marker is gone. */
  readonly keeping: 'noted' | 'assumed';
  /** The note "kept" counts more than a record that says nothing of a decision: another host may have been interrupted after it. */
  readonly keptNote: 'settles' | 'yields-to-record';
  /** A marker without a restore point belongs to nobody only where its holder is proven to be dead. */
  readonly staleMarker: 'proven' | 'any';
}

export const rules: Rules = {
  proof: 'each-request',
  silence: 'is-lost',
  identity: 'proven',
  record: 'is-a-condition',
  marker: 'counts',
  takeover: 'marks',
  removal: 'own-name',
  renaming: 'looks',
  refusal: 'compared',
  keeping: 'noted',
  keptNote: 'settles',
  staleMarker: 'proven',
};

/** How often each misfortune may happen in one history. */
export interface RateLimiter {
  readonly crashes: number;
  readonly lostAnswers: number;
  readonly silences: number;
  /** Silences that the process itself cannot see: the hypervisor stood still, and so did every clock. */
  readonly unseenSilences: number;
  /** Requests that reach the server at any later time, and whose answers nobody hears. */
  readonly delays: number;
  readonly fullDisks: number;
  readonly tornRecords: number;
  readonly userActs: number;
  /** Changes that wait for the word of a person, who may give it at any time. */
  readonly confirmations: number;
  /** Takeovers ordered by a person who is wrong: the holder lives. */
  readonly wrongTakeovers: number;
}

type Run = 'A' | 'C';
type WorkerName = Run | 'R' | 'S';
type Report = 'kept' | 'rolled-back' | 'unchanged' | 'unknown';

/** The steps of a worker. Those in `guarded` change something on the server and need the proof. */
type Pc =
  | 'idle'
  | 'create'
  | 'mark'
  | 'begin'
  | 'command'
  | 'end'
  | 'await'
  | 'wait'
  | 'refuse'
  | 'keep-unmark'
  | 'keep-rename'
  | 'back-stop'
  | 'back-restore'
  | 'free-rename'
  | 'free-delete'
  | 'settle'
  | 'take-mark'
  | 'choose'
  | 'over';

const guarded: ReadonlySet<Pc> = new Set<Pc>([
  'command',
  'await',
  'refuse',
  'keep-unmark',
  'keep-rename',
  'back-stop',
  'back-restore',
  'free-rename',
  'free-delete',
  'take-mark',
]);

interface Point {
  readonly of: Run;
  readonly holder: WorkerName;
  readonly content: string;
  /** The note of the instance when it was taken, which a restore brings back. */
  readonly keptNote: Run | null;
}

interface Worker {
  readonly pc: Pc;
  readonly live: boolean;
  /** On which run it works. */
  readonly run: Run;
  /** Nobody has heard of it for longer than the lease; `unseen`: and it does not know. */
  readonly silent: 'no' | 'yes' | 'unseen';
  /** The etag that it read with the proof; null where it has to read again. */
  readonly proof: string | null;
  /** What it will report at its end. */
  readonly report: Report | null;
}

interface RunRecord {
  readonly began: boolean;
  readonly decided: 'keep' | 'rollback' | null;
  readonly torn: boolean;
}

interface Delayed {
  readonly pc: Pc;
  readonly by: WorkerName;
  readonly run: Run;
  readonly etag: string;
}

export interface World {
  readonly point: Point | null;
  /** Restore points under the final name of a run, and which run took them. */
  readonly kept: readonly { readonly name: Run; readonly of: Run }[];
  /** Under a name that a user gave it. */
  readonly renamed: Point | null;
  /** Under way for as long as it likes. */
  readonly delayed: Delayed | null;
  readonly mark: {
    readonly run: Run;
    readonly by: WorkerName;
    readonly confirmation: 'none' | 'waiting' | 'confirmed' | 'refused';
  } | null;
  /** Which run the note of the instance calls kept: written with the request that removes the marker. */
  readonly keptNote: Run | null;
  /** What a person was told: this change is confirmed, and stays. */
  readonly confirmed: Run | null;
  readonly content: string;
  readonly restores: number;
  readonly workers: Readonly<Record<WorkerName, Worker>>;
  /** Of the host of each run. */
  readonly records: Readonly<Record<Run, RunRecord>>;
  /** The run that another host has decided to keep: the host of the run does not know. */
  readonly keptElsewhere: Run | null;
  readonly left: RateLimiter;
  readonly broken: string | null;
}

const idle = (run: Run): Worker => ({ pc: 'idle', live: true, run, silent: 'no', proof: null, report: null });
const noRecord: RunRecord = { began: false, decided: null, torn: false };

export const startOf = (left: RateLimiter): World => ({
  point: null,
  kept: [],
  renamed: null,
  delayed: null,
  mark: null,
  keptNote: null,
  confirmed: null,
  content: 'old',
  restores: 0,
  workers: { A: { ...idle('A'), pc: 'create' }, C: idle('C'), R: idle('A'), S: idle('A') },
  records: { A: noRecord, C: noRecord },
  keptElsewhere: null,
  left,
  broken: null,
});

const hostOf = { A: 1, C: 2, R: 1, S: 2 } as const satisfies Record<WorkerName, number>;
const names = ['A', 'C', 'R', 'S'] as const;

/** Everything that may happen next. */
export const nextOf =
  (protocol: Rules) =>
  (world: World): Step<World>[] => [
    ...names.flatMap((name) => stepsOf(protocol, world, name)),
    ...arrivals(protocol, world),
    ...misfortunes(world),
    ...userActs(world),
    ...confirmations(world),
  ];

const etagOf = ({ mark, keptNote, restores }: World): string =>
  `${mark?.run}/${mark?.by}/${mark?.confirmation}/${keptNote}/${restores}`;
const isHalf = (content: string): boolean => content.includes('?');
const has = (content: string, run: Run): boolean => content.includes(`+${run}`);
const whole = (content: string): string => content.replaceAll('?', '');

const withWorker = (world: World, name: WorkerName, change: Partial<Worker>): World => ({
  ...world,
  workers: { ...world.workers, [name]: { ...world.workers[name], ...change } },
});

const withRecord = (world: World, run: Run, change: Partial<RunRecord>): World => ({
  ...world,
  records: { ...world.records, [run]: { ...world.records[run], ...change } },
});

const spend = (world: World, what: keyof RateLimiter): World => ({
  ...world,
  left: { ...world.left, [what]: world.left[what] - 1 },
});

const breakWith = (world: World, promise: string): World => ({ ...world, broken: world.broken ?? promise });

const stepsOf = (protocol: Rules, world: World, name: WorkerName): Step<World>[] => {
  const worker = world.workers[name];
  if (!worker.live || worker.pc === 'over') return [];
  const say = (what: string, next: World): Step<World> => ({ label: `${name}: ${what}`, world: next });
  // The assumption on time: a request follows its proof sooner than another guard takes a new restore point, or goes on from
  // one that it has just taken or taken over.
  const isFirst = ['create', 'mark', 'begin', 'settle', 'take-mark'].includes(worker.pc);
  if (isFirst && protocol.proof === 'each-request' && names.some((other) => isBetween(world, name, other))) return [];
  if (worker.silent === 'yes' && protocol.silence === 'is-lost' && worker.pc !== 'idle' && worker.pc !== 'create')
    return [say('was silent for too long, and ends', withWorker(world, name, { pc: 'over', proof: null }))];
  if (guarded.has(worker.pc)) return guardedSteps(protocol, world, name, say);
  return plainSteps(protocol, world, name, say);
};

/** Whether another one stands between its proof and its request. */
const isBetween = (world: World, name: WorkerName, other: WorkerName): boolean =>
  other !== name && world.workers[other].live && world.workers[other].proof !== null;

type Say = (what: string, next: World) => Step<World>;

/** A request under proof: read, then send; the answer may be lost, and then it is done again. */
const guardedSteps = (protocol: Rules, world: World, name: WorkerName, say: Say): Step<World>[] =>
  world.workers[name].proof === null
    ? [proofStep(protocol, world, name, say)]
    : requestSteps(protocol, world, name, say);

const proofStep = (protocol: Rules, world: World, name: WorkerName, say: Say): Step<World> => {
  const { pc } = world.workers[name];
  if (pc === 'refuse' && world.mark?.confirmation === 'confirmed' && world.point?.holder === name)
    return say('sees that the change is confirmed', keepsConfirmed(world, name));
  const after = afterLostAnswer(protocol, world, name);
  if (after !== null) return say(`sees that ${pc} is done`, after);
  if (pc === 'free-delete') return say('reads its own snapshot', withWorker(world, name, { proof: 'own' }));
  // The marker has to be there before the command is: it is what a recovery without the record goes by.
  if (world.point?.holder === name && (pc !== 'command' || world.mark?.by === name))
    return say('proves its lease', withWorker(world, name, { proof: etagOf(world) }));
  return say('has lost the run, and ends', withWorker(world, name, { pc: 'over' }));
};

const keepsConfirmed = (world: World, name: WorkerName): World => {
  const { run } = world.workers[name];
  const decided: World =
    hostOf[name] === hostOf[run] ? withRecord(world, run, { decided: 'keep' }) : { ...world, keptElsewhere: run };
  return withWorker(decided, name, { pc: 'keep-unmark', report: 'kept', proof: null });
};

const isConditional = ({ refusal }: Rules, pc: Pc): boolean =>
  ['back-restore', 'keep-unmark', 'take-mark', 'await'].includes(pc) || (pc === 'refuse' && refusal === 'compared');
const isRename = (pc: Pc): boolean => pc === 'keep-rename' || pc === 'free-rename';

const requestSteps = (protocol: Rules, world: World, name: WorkerName, say: Say): Step<World>[] => {
  const { pc, proof, run } = world.workers[name];
  if (isConditional(protocol, pc) && protocol.takeover === 'marks' && etagOf(world) !== proof)
    return [say(`${pc} is refused: the etag has changed`, withWorker(world, name, { proof: null }))];
  if (isRename(pc) && world.point === null && protocol.renaming === 'looks')
    return [say(`${pc} finds nothing, and looks again`, withWorker(world, name, { proof: null }))];
  const done = execute(protocol, world, name);
  const steps = [say(pc, advance(protocol, done, name))];
  if (world.left.lostAnswers > 0) {
    const lost = withWorker(spend(done, 'lostAnswers'), name, protocol.proof === 'each-request' ? { proof: null } : {});
    // A command is never sent twice: one whose end is not known has failed.
    steps.push(say(`${pc}, and the answer is lost`, pc === 'command' ? decidesRollback(lost, name) : lost));
  }
  if (world.left.delays > 0 && pc !== 'command') {
    const delayed: Delayed = { pc, by: name, run, etag: proof ?? '' };
    const waiting = { ...withWorker(spend(world, 'delays'), name, { proof: null }), delayed };
    steps.push(say(`sends ${pc}, which is held up on its way`, waiting));
  }
  return steps;
};

const decidesRollback = (world: World, name: WorkerName): World => {
  const { run } = world.workers[name];
  const decided = withRecord(world, run, { decided: 'rollback' });
  return withWorker(decided, name, { pc: 'back-stop', report: 'rolled-back', proof: null });
};

/** Whether the restore point of that run, and not only its name, is there. */
const keeps = ({ kept }: World, run: Run): boolean => kept.some(({ name, of }) => name === run && of === run);

/** What a repetition finds already done. */
const afterLostAnswer = (protocol: Rules, world: World, name: WorkerName): World | null => {
  const { pc, run } = world.workers[name];
  const isRenamed = keeps(world, run) && world.point?.holder !== name;
  if (pc === 'keep-rename' && isRenamed) return advance(protocol, world, name);
  if (pc === 'free-rename' && isRenamed) return advance(protocol, world, name);
  if (pc === 'free-delete' && !keeps(world, run)) return advance(protocol, world, name);
  if (pc === 'keep-rename' && world.point === null && protocol.renaming === 'missing-is-success')
    return advance(protocol, world, name);
  return null;
};

/** Whether it has changed, or may be about to change, the instance. */
const hasBegun = ({ pc, report }: Worker): boolean =>
  !['mark', 'settle', 'take-mark'].includes(pc) &&
  !(report === null && ['free-rename', 'free-delete', 'over'].includes(pc));

/** What the server makes of a request, and whose instance it was. */
const execute = (protocol: Rules, world: World, name: WorkerName): World => {
  const { pc, run } = world.workers[name];
  const holder = world.point?.holder ?? name;
  // Whoever has only just got the restore point has not touched the instance yet.
  const isForeign = holder !== name && hasBegun(world.workers[holder]) && pc !== 'free-delete';
  const seen = isForeign ? breakWith(world, `4: ${name} sends ${pc} to an instance of ${holder}`) : world;
  return effectOf(protocol, seen, { pc, run, by: name });
};

/** Whether the command of another run is under way. */
const isRunning = ({ workers, content }: World, name: WorkerName, other: WorkerName): boolean => {
  const { live, pc, silent, run } = workers[other];
  return other !== name && live && pc === 'end' && silent === 'no' && content.includes(`+${run}?`);
};

const effectOf = (protocol: Rules, seen: World, { pc, run, by: name }: Omit<Delayed, 'etag'>): World => {
  switch (pc) {
    case 'command':
      if (names.some((other) => isRunning(seen, name, other)))
        return breakWith(seen, `4: the command of ${name} begins while another one runs`);
      return { ...seen, content: `${seen.content}+${run}?` };
    case 'keep-unmark':
      return withoutMark(seen, run, name);
    case 'await':
    case 'refuse':
      return withConfirmation(seen, pc, run);
    case 'take-mark':
      return seen.mark === null ? seen : { ...seen, mark: { ...seen.mark, run, by: name } };
    case 'keep-rename':
    case 'free-rename':
      if (pc === 'free-rename' && protocol.removal === 'shared-name') return removed(seen, seen.point);
      // The server admits a name once.
      if (seen.point === null || seen.kept.some((one) => one.name === run)) return seen;
      return { ...seen, point: null, kept: [...seen.kept, { name: run, of: seen.point.of }] };
    case 'free-delete':
      return { ...seen, kept: seen.kept.filter((one) => one.name !== run || one.of !== run) };
    case 'back-restore':
      if (seen.confirmed === run && seen.point?.of === run)
        return breakWith(seen, `5: ${name} takes back the change of ${run}, which a person was told is confirmed`);
      return seen.point === null ? seen : restored(seen, seen.point);
    default:
      return seen;
  }
};

/** Who does not know how the run ended removes the marker without a note. */
const withoutMark = (world: World, run: Run, name: WorkerName): World => ({
  ...world,
  mark: null,
  keptNote: world.workers[name].report === 'kept' ? run : world.keptNote,
});

const restored = (world: World, { content, keptNote }: Point): World => ({
  ...world,
  content,
  keptNote,
  mark: null,
  restores: (world.restores + 1) % 4,
});

const withConfirmation = (world: World, pc: 'await' | 'refuse', run: Run): World => {
  const { mark } = world;
  if (mark?.run !== run) return world;
  if (pc === 'refuse') return { ...world, mark: { ...mark, confirmation: 'refused' } };
  // A repetition must not take back the word of a person.
  return mark.confirmation === 'none' ? { ...world, mark: { ...mark, confirmation: 'waiting' } } : world;
};

/** The only way back must not be removed while the change is there. */
const removed = (world: World, point: Point | null): World => {
  if (point === null) return world;
  const gone = { ...world, point: null };
  return whole(world.content) === whole(point.content) && !isHalf(world.content)
    ? gone
    : breakWith(gone, `3: the only way back of ${point.of} was removed with its change in place`);
};

const following: Readonly<Partial<Record<Pc, Pc>>> = {
  command: 'end',
  await: 'wait',
  refuse: 'back-stop',
  'keep-unmark': 'keep-rename',
  'keep-rename': 'over',
  'back-stop': 'back-restore',
  'back-restore': 'free-rename',
  'free-rename': 'free-delete',
  'free-delete': 'over',
  'take-mark': 'choose',
};

const advance = (protocol: Rules, world: World, name: WorkerName): World => {
  const { pc } = world.workers[name];
  const after = following[pc] ?? 'over';
  const to = after === 'free-delete' && protocol.removal === 'shared-name' ? 'over' : after;
  const keepsProof = protocol.proof === 'once' && to !== 'over';
  const moved = withWorker(world, name, { pc: to, ...(keepsProof ? {} : { proof: null }) });
  return to === 'over' ? reported(moved, name) : moved;
};

/** Promise 5: a report says only what is true at that moment. */
const reported = (world: World, name: WorkerName): World => {
  const { report, run } = world.workers[name];
  const { content } = world;
  switch (report) {
    case 'kept':
      if (world.records[run].decided !== 'keep' && world.keptElsewhere !== run)
        return breakWith(world, `5: ${name} says kept of ${run}, and nobody has decided that`);
      if (!keeps(world, run)) return breakWith(world, `5: ${name} names a restore point of ${run} that is not there`);
      return content.includes(`+${run}?`) ? breakWith(world, `5: ${name} says kept of half a change`) : world;
    case 'rolled-back':
      return has(content, run) ? breakWith(world, `5: ${name} says rolled back, and the change is there`) : world;
    case 'unchanged':
      return has(content, run) ? breakWith(world, `5: ${name} says that nothing was changed`) : world;
    default:
      return world;
  }
};

const plainSteps = (protocol: Rules, world: World, name: WorkerName, say: Say): Step<World>[] => {
  const worker = world.workers[name];
  const { run } = worker;
  const go = (change: Partial<Worker>, from: World = world): World => withWorker(from, name, change);
  switch (worker.pc) {
    case 'idle':
      if (name === 'C') return [say('starts', go({ pc: 'create' }))];
      return name === 'A' ? [] : looks(protocol, world, name, say);
    case 'create':
      if (world.point !== null) return [say('finds it busy', go({ pc: 'over' }))];
      return [
        say('takes the restore point', {
          ...go({ pc: 'mark' }),
          point: { of: run, holder: name, content: world.content, keptNote: world.keptNote },
        }),
      ];
    case 'mark':
      return marks(protocol, world, name, say);
    case 'begin': {
      const written = withRecord(go({ pc: 'command' }), run, { began: true });
      const steps = [say('records that the command begins', written)];
      if (world.left.fullDisks > 0) {
        const full = spend(world, 'fullDisks');
        steps.push(
          protocol.record === 'is-a-condition'
            ? say('cannot record it, and gives up', go({ pc: 'free-rename', report: 'unchanged' }, full))
            : say('cannot record it, and goes on', go({ pc: 'command' }, full)),
        );
      }
      return steps;
    }
    case 'end': {
      const kept = withRecord(go({ pc: 'keep-unmark', report: 'kept' }), run, { decided: 'keep' });
      const ended = { content: world.content.replace(`+${run}?`, `+${run}`) };
      // A change that is not there any more is not healthy: the instance was put back underneath.
      const healthy = has(world.content, run) ? [say('the change is healthy', { ...kept, ...ended })] : [];
      const waits =
        has(world.content, run) && world.left.confirmations > 0
          ? [
              say('the change is healthy, and waits', {
                ...go({ pc: 'await' }, spend(world, 'confirmations')),
                ...ended,
              }),
            ]
          : [];
      return [...healthy, ...waits, say('the change is not healthy', { ...decidesRollback(world, name), ...ended })];
    }
    case 'wait':
      return world.mark?.run === run && world.mark.confirmation === 'confirmed'
        ? [say('sees that the change is confirmed', keepsConfirmed(world, name))]
        : [say('the deadline passes', go({ pc: 'refuse', report: 'rolled-back' }))];
    case 'settle':
      return [say('has waited for what was under way', go({ pc: 'take-mark' }))];
    case 'choose':
      return [chooses(protocol, world, name, say)];
    default:
      return [];
  }
};

const marks = (protocol: Rules, world: World, name: WorkerName, say: Say): Step<World>[] => {
  const { run } = world.workers[name];
  const { mark } = world;
  if (world.point?.holder !== name)
    return [say('has lost its restore point, and ends', withWorker(world, name, { pc: 'over' }))];
  const holder = mark === null ? null : world.workers[mark.by];
  const isForeign = mark !== null && holder !== null && protocol.staleMarker === 'proven' && mark.run !== run;
  return isForeign
    ? [say('loses by the marker', withWorker(world, name, { pc: 'free-rename', report: null }))]
    : [
        say('writes its marker', {
          ...withWorker(world, name, { pc: 'begin' }),
          mark: { run, by: name, confirmation: 'none' },
        }),
      ];
};

/** A recovery looks at what is left. It may come back to this as often as it likes. */
const looks = (protocol: Rules, world: World, name: WorkerName, say: Say): Step<World>[] => {
  const { point, mark } = world;
  if (point === null) {
    if (mark === null) return [];
    const holder = world.workers[mark.by];
    const isOver = !holder.live || holder.pc === 'over' || holder.silent !== 'no';
    return isOver ? [say('removes a marker without a restore point', { ...world, mark: null })] : [];
  }
  const holder = world.workers[point.holder];
  const isLocal = hostOf[point.holder] === hostOf[name];
  const isDead = !holder.live || holder.pc === 'over';
  const after = protocol.takeover === 'marks' ? 'settle' : 'choose';
  const take = (from: World): World => ({
    ...withWorker(from, name, {
      pc: isDead && isLocal && protocol.takeover === 'marks' ? 'take-mark' : after,
      run: point.of,
    }),
    point: { ...point, holder: name },
  });
  const steps: Step<World>[] = [];
  if (isDead || holder.silent !== 'no') steps.push(say(`takes over from ${point.holder}`, take(world)));
  else if (protocol.identity === 'believed' && isLocal)
    steps.push(say(`believes that ${point.holder} is dead`, take(world)));
  else if (world.left.wrongTakeovers > 0)
    steps.push(say(`is ordered to take over from ${point.holder}`, take(spend(world, 'wrongTakeovers'))));
  return steps;
};

/** What a recovery does, by what is left. */
const chooses = (protocol: Rules, world: World, name: WorkerName, say: Say): Step<World> => {
  const { run } = world.workers[name];
  const known = hostOf[name] === hostOf[run] ? world.records[run] : null;
  const isTorn = known?.torn ?? false;
  const go = (pc: Pc, report: Report): World => withWorker(world, name, { pc, report });
  const confirmation = confirmationOf(world, run);
  const isWaiting = confirmation === 'waiting';
  const back = (): Step<World> =>
    say(
      'goes back',
      // A change that waits is given up first, so that nobody is told that it is confirmed and then loses it.
      withRecord(
        go(isWaiting ? 'refuse' : 'back-stop', 'rolled-back'),
        run,
        known === null ? {} : decidedBack(isWaiting),
      ),
    );
  const keep = (): Step<World> => say('keeps', go('keep-unmark', 'kept'));
  const release = (): Step<World> =>
    say(
      'releases it',
      go('keep-unmark', protocol.keeping === 'assumed' || world.keptNote === run ? 'kept' : 'unknown'),
    );
  if (confirmation === 'confirmed') return say('keeps what is confirmed', keepsConfirmed(world, name));
  const { decided, began } = readable(known);
  if (decided === 'keep') return keep();
  if (protocol.keptNote === 'settles' && world.mark === null && world.keptNote === run) return keep();
  if (decided === 'rollback' || began) return back();
  if (protocol.marker === 'counts') {
    if (world.mark !== null) return back();
    return known === null || isTorn ? release() : say('has nothing to undo', go('free-rename', 'unchanged'));
  }
  if (known !== null) return say('has nothing to undo', go('free-rename', 'unchanged'));
  return world.mark === null ? release() : back();
};

const confirmationOf = ({ mark }: World, run: Run): 'none' | 'waiting' | 'confirmed' | 'refused' =>
  mark?.run === run ? mark.confirmation : 'none';

/** Torn lines are passed over: what they said is not known. */
const readable = (record: RunRecord | null): Pick<RunRecord, 'began' | 'decided'> =>
  record === null || record.torn ? noRecord : record;

/** Of a change that waits nothing is decided before it is given up. */
const decidedBack = (isWaiting: boolean): Partial<RunRecord> => (isWaiting ? {} : { decided: 'rollback' });

/** A request that was held up: it must at least not destroy what is another run's by now. */
const arrivals = (protocol: Rules, world: World): Step<World>[] => {
  const { delayed, point } = world;
  if (delayed === null) return [];
  const { pc, by, run, etag } = delayed;
  const arrived = { ...world, delayed: null };
  const label = `the ${pc} of ${by} arrives`;
  if (isConditional(protocol, pc) && protocol.takeover === 'marks' && etagOf(world) !== etag)
    return [{ label, world: arrived }];
  const isForeign = point !== null && point.of !== run;
  const isDestroyed =
    isForeign && (pc === 'back-restore' || (pc === 'free-rename' && protocol.removal === 'shared-name'));
  const after = effectOf(protocol, arrived, { pc, run, by });
  return [
    { label, world: isDestroyed ? breakWith(after, `2: the ${pc} of ${run} meets the run of ${point.of}`) : after },
  ];
};

const misfortunes = (world: World): Step<World>[] => {
  const steps: Step<World>[] = [];
  for (const name of names) {
    const worker = world.workers[name];
    const isAtWork = worker.live && worker.pc !== 'over' && worker.pc !== 'idle';
    if (isAtWork && world.left.crashes > 0)
      steps.push({
        label: `${name} is killed`,
        world: withWorker(spend(world, 'crashes'), name, { live: false, proof: null }),
      });
    if (isAtWork && world.left.silences > 0 && worker.silent === 'no')
      steps.push({
        label: `${name} is cut off for longer than the lease`,
        world: withWorker(spend(world, 'silences'), name, { silent: 'yes' }),
      });
    if (isAtWork && world.left.unseenSilences > 0 && worker.silent === 'no')
      steps.push({
        label: `${name} stands still for longer than the lease, and does not know`,
        world: withWorker(spend(world, 'unseenSilences'), name, { silent: 'unseen' }),
      });
  }
  if (world.left.tornRecords > 0)
    for (const run of ['A', 'C'] as const)
      if (!world.workers[run].live && !world.records[run].torn)
        steps.push({
          label: `the record of ${run} is torn`,
          world: withRecord(spend(world, 'tornRecords'), run, { torn: true }),
        });
  return steps;
};

/** A person confirms by a compare-and-swap of the marker, which is one step: the answer is the word. */
const confirmations = (world: World): Step<World>[] =>
  world.mark?.confirmation === 'waiting'
    ? [
        {
          label: `a person confirms the change of ${world.mark.run}`,
          world: { ...world, confirmed: world.mark.run, mark: { ...world.mark, confirmation: 'confirmed' } },
        },
      ]
    : [];

const userActs = (world: World): Step<World>[] => {
  const { point } = world;
  if (world.left.userActs === 0 || point === null) return [];
  const left = spend(world, 'userActs');
  const restores = names.some((name) => world.workers[name].pc === 'command' && world.workers[name].proof !== null)
    ? []
    : [
        {
          label: 'a user restores the restore point',
          // What a person has confirmed, a person may take back.
          world: { ...restored(left, point), confirmed: null },
        },
      ];
  return [
    ...restores,
    { label: 'a user deletes the restore point', world: { ...left, point: null } },
    { label: 'a user renames the restore point', world: { ...left, point: null, renamed: point } },
  ];
};

/** The promise that a world breaks. */
export const brokenPromise = (world: World): string | null => world.broken;
