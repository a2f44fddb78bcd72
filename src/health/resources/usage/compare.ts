import { grouped, mapOf } from '../../finding.ts';
import type { Difference } from '../../rules.ts';
import { isRemoved, type Comparison } from '../comparison.ts';

/** What the instance uses: names that it could resolve, servers that its services were connected to, queues that go out. */
export function compareUsage(comparison: Comparison): Difference[] {
  return [...compareResolution(comparison), ...compareConnections(comparison), ...compareQueues(comparison)];
}

function compareResolution({ before, after }: Comparison): Difference[] {
  const [was, is] = [before.resolution, after.resolution];
  if (was == null || is == null) return [];
  const known = Object.entries(was).flatMap(([name, ok]) => (ok && name !== 'localhost' ? [name] : []));
  const lost = known.filter((name) => is[name] === false);
  if (lost.length === 0) return [];
  // A name of another server may be gone with that server; without all of them, the resolver is.
  const elsewhere = known.filter((name) => name.includes('.'));
  const all = elsewhere.length > 0 && elsewhere.every((name) => is[name] === false);
  const own = lost.filter((name) => !elsewhere.includes(name));
  return [
    {
      resource: 'resolution',
      change: all || own.length > 0 ? 'lost' : 'some',
      name: lost[0] ?? '',
      subject: 'resolution',
      message: `${lost.slice(0, 5).join(', ')} could be resolved inside, and cannot be any more`,
      transient: true,
      traits: [],
    },
  ];
}

function compareConnections(comparison: Comparison): Difference[] {
  const { before, after } = comparison;
  const [was, is] = [before.connections, after.connections];
  if (was == null || is == null) return [];
  const open = new Set(is.map(({ owner, peer }) => `${owner} ${peer}`));
  const peers = mapOf(after.peers ?? {});
  return [
    ...grouped(
      was.filter(({ owner, peer }) => !open.has(`${owner} ${peer}`)),
      ({ peer }) => peer,
    ),
  ].flatMap(([peer, connections]): Difference[] => {
    const reachable = peers.get(peer);
    if (reachable === undefined) return [];
    const owners = connections.map(({ owner }) => owner);
    return [
      {
        resource: 'connection',
        change: reachable ? 'closed' : 'unreachable',
        name: peer,
        subject: `connection:${peer}`,
        message: `${owners.slice(0, 3).join(', ')} had a connection to ${peer}, and ${reachable ? 'has none now' : 'nobody inside can reach it any more'}`,
        transient: true,
        traits: owners.every((owner) => isRemoved(comparison, null, owner)) ? ['removed'] : [],
      },
    ];
  });
}

function compareQueues({ before, after }: Comparison): Difference[] {
  const [was, is] = [before.queues, after.queues];
  if (was == null || is == null) return [];
  return Object.entries(was)
    .filter(([path, count]) => (is[path] ?? 0) >= count + 3)
    .map(([path, count]) => ({
      resource: 'queue',
      change: 'grew',
      name: path,
      subject: `queue:${path}`,
      message: `${is[path] ?? 0} messages wait in ${path}, before it was ${count}`,
      transient: true,
      traits: [],
    }));
}
