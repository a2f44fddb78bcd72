import probeScript from '../../guest/probe.sh?raw';
import { validators } from '../knowledge/validators.ts';
import { noPreflight, preflightLines } from './preflight.ts';

/** What a look is to gather beside what every look gathers. */
export interface ProbeOptions {
  /** It says first of all whether the instance is ready (`preflight.ts`). */
  readonly preflight?: boolean;
  /** Also what is slow to gather or leaves traces: validators, write tests, privileges of files, names, logs. */
  readonly deep?: boolean;
  /** No test files are written. */
  readonly readOnly?: boolean;
  /** Servers that only the instance can reach are asked, unless this is false. */
  readonly askServers?: boolean;
  /** What earlier facts know, so that the same is asked again. */
  readonly known?: KnownBefore | null;
}

/** Lists of words for the shell. Everything here came from inside the instance and is quoted. */
export interface KnownBefore {
  readonly unixSockets: readonly string[];
  readonly names: readonly string[];
  /** As `10.1.2.3:5432`. */
  readonly peers: readonly string[];
  /** `SIZE PATH` of log files. */
  readonly logs: readonly string[];
  /** Seconds since 1970, when the earlier facts were gathered. */
  readonly since: number;
}

/**
 * What the shell inside reads on its standard input: the nonce that marks the sections, what it is to ask, then the script. The nonce is not
 * a command line argument because those can be read by every process inside. With a preflight, the program that is looked
 * for is the shell's first argument.
 */
export function probeInput(
  nonce: string,
  { preflight = false, deep = true, readOnly = false, askServers = true, known = null }: ProbeOptions = {},
): string {
  return [
    `n=${nonce} deep=${flag(deep)} read_only=${flag(readOnly)} ask_servers=${flag(askServers)} since=${Math.floor(known?.since ?? 0)}`,
    `known_sockets=${quoted(known?.unixSockets ?? [])}`,
    `known_names=${quoted(known?.names ?? [])}`,
    `known_peers=${quoted(known?.peers ?? [])}`,
    `known_logs=${quoted(known?.logs ?? [])}`,
    `validate() {\n${deep ? validatorLines() : ':'}\n}`,
    preflight ? preflightLines : noPreflight,
    probeScript,
  ].join('\n');
}

/** True for the shell: anything but the empty word. */
function flag(isSet: boolean): string {
  return isSet ? '1' : '';
}

/** One word of the shell that holds one item a line. */
function quoted(items: readonly string[]): string {
  const lines = items.filter((item) => !item.includes('\n')).slice(0, 500);
  return `'${lines.join('\n').replaceAll("'", String.raw`'\''`)}'`;
}

function validatorLines(): string {
  return [
    ...validators.map(({ name, process, command }) => `validator ${name} '${process}' ${command} &`),
    'wait',
  ].join('\n');
}
