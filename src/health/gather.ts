import { randomBytes } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { Platform } from '../platform/platform.ts';
import type { PlatformFailure } from '../platform/failure.ts';
import { err, ok, type Result } from '../result.ts';
import { neutralise } from '../text.ts';
import { confirmedHere } from './checks/address.ts';
import type { ConfigurationFiles, Facts, Network } from './facts.ts';
import type { Remembering } from './protocols/memory.ts';
import { preflightFrom, type Preflight } from './probe/preflight.ts';
import { parseProbe, type UnreadableFacts } from './probe/probe.ts';
import { probeInput, type KnownBefore } from './probe/script.ts';
import { sectionsOf } from './probe/sections.ts';

/** Tells which of the addresses that an instance claims to have are its own. */
export type ConfirmAddresses = (
  claimed: readonly string[],
) => Promise<Result<(address: string) => boolean, PlatformFailure>>;

export interface GatherRequest {
  readonly platform: Platform;
  readonly instance: string;
  /** Without it no requests are sent to the servers of the instance. */
  readonly clock?: Clock;
  /** What servers said a moment ago, so that they are not asked too often. */
  readonly remembering?: Remembering;
  /** Tells which of the addresses are the instance's own; by default the server is asked each time. */
  readonly confirmAddresses?: ConfirmAddresses;
  /** Milliseconds for the whole look; the probe inside is killed then. */
  readonly limitMs: number;
  readonly signal?: AbortSignal;
  readonly preflight?: PreflightRequest;
  /** Also what is slow to gather; yes where nothing is said. */
  readonly deep?: boolean;
  /** A deep observation writes no test files to find out whether services can still write. */
  readonly readOnly?: boolean;
  /** Where it is not: the configuration of the last time, which says what servers are asked. */
  readonly configuration?: ConfigurationFiles | null;
  /** Earlier facts, and when they were gathered (milliseconds since 1970): the same is asked again. */
  readonly known?: { readonly facts: Facts; readonly at: number } | null;
}

/** That the look is to say something beforehand. */
export interface PreflightRequest {
  /** The program whose presence is told. */
  readonly wanted: string;
  /** Called as soon as it is there, if it comes. */
  readonly onPreflight: (preflight: Preflight) => void;
}

/**
 * Looks into a running instance with one exec of a POSIX shell, and asks its servers a harmless question. Facts may hold `null` sections; a failure of Incus is
 * returned as it is, and `unreadable` when there is no shell, or no output that the probe wrote.
 */
export async function gatherFacts(request: GatherRequest): Promise<Result<Facts, PlatformFailure | UnreadableFacts>> {
  const { preflight, deep = true, readOnly = false } = request;
  const known = request.known == null ? null : knownBefore(request.known.facts, request.known.at);
  // Unguessable, and given over stdin: command lines can be read by every process inside.
  const nonce = randomBytes(16).toString('hex');
  const answer = await request.platform.query(request.instance, {
    command: preflight === undefined ? ['sh', '-s'] : ['sh', '-s', '--', preflight.wanted],
    environment: { LC_ALL: 'C', PATH: '/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin' },
    stdin: probeInput(nonce, {
      preflight: preflight !== undefined,
      deep,
      readOnly,
      askServers: request.clock !== undefined,
      known,
    }),
    cwd: '/',
    user: 0,
    group: 0,
    limitMs: request.limitMs,
    maxBytes: mostBytes,
    readOnly: true,
    ...(request.signal ? { signal: request.signal } : {}),
    ...(preflight ? { onOutput: readPreflight(preflight, nonce) } : {}),
  });
  if (!answer.ok) return answer;
  const facts = parseProbe(`${answer.value.stdout}\n${answer.value.stderr}`, nonce, known?.since);
  if (facts.ok) return ok(await withAnswers(facts.value, request));
  return err({ kind: 'unreadable', message: `${facts.error.message}${said(answer.value.stderr)}` });
}

/** What the shell is to ask about again. */
function knownBefore(facts: Facts, at: number): KnownBefore {
  return {
    unixSockets: facts.unixSockets?.map(({ path }) => path) ?? [],
    names: Object.keys(facts.resolution ?? {}).filter((name) => /^[\w.-]+$/.test(name)),
    peers: [...new Set(facts.connections?.map(({ peer }) => peer))]
      .filter((peer) => /^[\d.]+:\d+$/.test(peer))
      .slice(0, 12),
    logs: Object.entries(facts.log?.sizes ?? {}).map(([path, size]) => `${size} ${path}`),
    since: facts.observedAt ?? at / 1000,
  };
}

function readPreflight({ onPreflight }: PreflightRequest, nonce: string): (soFar: () => string) => void {
  let isOver = false;
  return (soFar) => {
    if (isOver) return;
    const text = soFar();
    const preflight = preflightFrom(sectionsOf(text, nonce));
    // What goes on and on is none, and reading it again and again would cost more than it.
    isOver = preflight !== null || text.length > longestPreflight;
    if (preflight !== null) onPreflight(preflight);
  };
}

/** Characters of the longest preflight that is waited for. */
const longestPreflight = 64 * 1024;

async function withAnswers(
  facts: Facts,
  { platform, instance, clock, signal, remembering, known, configuration, confirmAddresses }: GatherRequest,
): Promise<Facts> {
  if (clock === undefined) return facts;
  // Loaded late: it takes a while, and the first look at an instance does not wait for it.
  const { askServers } = await import('./protocols/ask-servers.ts');
  const began = clock.monotonic();
  const network = await ownNetwork(
    facts.network,
    confirmAddresses ?? ((claimed) => confirmedHere(platform, instance, claimed)),
  );
  const asked = { ...facts, configuration: facts.configuration ?? configuration ?? null, network };
  const answers = await askServers(asked, clock, signal, remembering, known?.facts.answers ?? null);
  // What the questions themselves make servers write is not the command's doing.
  const observedAt =
    facts.observedAt === undefined
      ? {}
      : { observedAt: facts.observedAt + Math.ceil((clock.monotonic() - began) / 1000) };
  return { ...facts, ...observedAt, answers };
}

/**
 * The network with those addresses only that are known to be the instance's own: root inside chooses what it says of them.
 * Null where the server does not tell.
 */
async function ownNetwork(network: Network | null, confirm: ConfirmAddresses): Promise<Network | null> {
  if (network === null) return null;
  const isOwn = await confirm(network.addresses.map(({ address }) => address));
  return isOwn.ok ? { ...network, addresses: network.addresses.filter(({ address }) => isOwn.value(address)) } : null;
}

/** A large server's facts take less than a megabyte; more than this is no honest answer. */
const mostBytes = 16 * 1024 * 1024;

function said(stderr: string): string {
  return stderr.trim() === '' ? '' : ` The shell inside said: ${neutralise(stderr.trim(), 200)}`;
}
