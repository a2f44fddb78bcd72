import { explanationFor, replacedFiles, replacementNews, sayReplaced } from './configuration/compare.ts';
import { advisory, different, grouped, listed, required, withSides, type FactFinding } from '../finding.ts';
import { nameOf } from './listener/kinds.ts';
import { lostSockets, sayGone, saySocketLosses, type SocketLoss } from './listener/compare.ts';
import { lostUnits, type UnitLoss } from './unit/compare.ts';
import { lostUnixSockets, sayUnixLoss, type UnixLoss } from './unix-socket/compare.ts';
import type { Owner } from '../facts.ts';
import { isRemoved, type Comparison } from './comparison.ts';

/** Units with what they listened on, so that one failure is one finding; then what is left of the sockets. */
export function compareServices(comparison: Comparison): FactFinding[] {
  const { before, after } = comparison;
  const units = lostUnits(comparison);
  const removed = (owner: Owner | null): boolean =>
    owner !== null && isRemoved(comparison, owner.unit, owner.process, owner.unit ?? owner.process);
  // What the command removes by name takes its doors with it.
  const sockets = lostSockets(before, after).map((loss) =>
    removed(loss.owner) ? { ...loss, severity: 'advisory' as const, because: 'the command names its removal' } : loss,
  );
  const unix = lostUnixSockets(before, after).map((loss) =>
    removed(loss.socket.owner) && loss.referredBy.length === 0 ? { ...loss, severity: 'advisory' as const } : loss,
  );
  const files = replacedFiles(before, after);
  const told = new Set<string>();
  let explanations = 0;
  const explained: Explained = (owners, ports) => {
    // Beyond what anybody will read there is nothing to explain.
    const file = (explanations += 1) > 200 ? null : explanationFor(owners, ports, files);
    if (file === null) return '';
    told.add(file.path);
    return `; ${sayReplaced(file)}`;
  };

  const ofUnit = new Map(
    units.flatMap((loss) => [loss.unit.id, ...loss.unit.names].map((name) => [name, loss] as const)),
  );
  const lossOf = (owner: Owner | null): UnitLoss | undefined =>
    owner?.unit == null ? undefined : ofUnit.get(owner.unit);
  const socketsByUnit = grouped(sockets, (loss) => lossOf(loss.owner));
  const unixByUnit = grouped(unix, (loss) => lossOf(loss.socket.owner));

  const findings = [
    ...units.map((loss) => unitFinding(loss, socketsByUnit.get(loss) ?? [], unixByUnit.get(loss) ?? [], explained)),
    ...[
      ...grouped(socketsByUnit.get(undefined) ?? [], ({ owner, severity }) => `${severity} ${nameOf(owner)}`).values(),
    ].map((losses) => socketFinding(losses, explained)),
    ...(unixByUnit.get(undefined) ?? []).map((loss) => unixFinding(loss, explained)),
  ];
  return [...findings, ...replacementNews(files, told, before, after)];
}

type Explained = (owners: readonly string[], ports: readonly number[]) => string;

function unitFinding(
  loss: UnitLoss,
  sockets: readonly SocketLoss[],
  unix: readonly UnixLoss[],
  explained: Explained,
): FactFinding {
  const { unit } = loss;
  const uncovered = sockets.filter((one) => one.severity === 'required');
  const gone = uncovered.filter((one) => one.left.length === 0);
  const narrowed = uncovered.filter((one) => one.left.length > 0);
  // Where the package went away, its own tools went with it: who else needs the door says so in a file.
  const wentAway = loss.condition === 'gone' && loss.severity === 'advisory';
  const missing = unix.filter((one) => one.severity === 'required' && (!wentAway || one.referredBy.length > 0));
  // Where ports are missed they tell enough; some services have dozens of doors between their own parts.
  const worthNaming = uncovered.length > 0 ? [] : missing.slice(0, 2);
  const parts = [
    `${unit.id} ${loss.message}`,
    ...(gone.length === 0 ? [] : [sayGone(gone)]),
    ...(narrowed.length === 0 ? [] : [saySocketLosses(narrowed)]),
    ...worthNaming.map(sayUnixLoss),
  ];
  // A unit that went away with its package is missed only where something that it served is missed.
  const decides = !loss.expected && (loss.severity === 'required' || uncovered.length > 0 || missing.length > 0);
  if (!decides) return advisory(`unit:${unit.id}`, parts.join('; '));
  const why = explained(
    [unit.id, ...unit.names, ...sockets.map((one) => one.owner?.process ?? '')],
    sockets.map((one) => one.port),
  );
  return withSides(
    required(`unit:${unit.id}`, parts.join('; ') + why, loss.transient),
    unit.type === 'openrc' ? 'running' : unit.sub,
    loss.now,
  );
}

function socketFinding(losses: readonly SocketLoss[], explained: Explained): FactFinding {
  const [first] = losses;
  const subject = `socket:${first?.protocol ?? 'tcp'}/${first?.port ?? 0}`;
  const message = saySocketLosses(losses);
  if (losses.every((loss) => loss.severity === 'advisory')) return advisory(subject, message);
  const why = explained(
    losses.flatMap(({ owner }) => [owner?.unit ?? '', owner?.process ?? '']),
    losses.map(({ port }) => port),
  );
  const listensElsewhere = losses.some(({ left, movedTo }) => left.length > 0 || movedTo !== null);
  return withSides(
    listensElsewhere ? different(subject, message + why) : required(subject, message + why, true),
    `listening on ${listed([...new Set(losses.map(({ protocol, port }) => `${protocol}/${port}`))])}`,
    listed([...new Set(losses.map(listensNow))]),
  );
}

function listensNow({ protocol, port, left, movedTo }: SocketLoss): string {
  if (left.length > 0) return `${protocol}/${port} only at ${listed(left)}`;
  return movedTo === null ? `nothing on ${protocol}/${port}` : `listening on ${protocol}/${movedTo}`;
}

function unixFinding(loss: UnixLoss, explained: Explained): FactFinding {
  const { socket, severity } = loss;
  const who = nameOf(socket.owner);
  const message = `${who === '' ? '' : `${who}: `}${sayUnixLoss(loss)}`;
  if (severity === 'advisory') return advisory(`socket:${socket.path}`, message);
  return required(`socket:${socket.path}`, message + explained([who, socket.owner?.process ?? ''], []), true);
}
