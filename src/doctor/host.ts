import { access, constants, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { StateFacts, UnitFacts, UnitsFacts } from './facts.ts';

// What only this host can tell. Nothing is changed, and nothing that hangs holds up the rest.

const limitMs = 5000;

/** What a command of the host writes; null where it fails, is not there, or does not end. */
async function ask(command: string, words: readonly string[]): Promise<string | null> {
  const { execa } = await import('execa');
  const { failed, stdout } = await execa(command, words, { reject: false, stdin: 'ignore', timeout: limitMs });
  return failed ? null : stdout;
}

/** The version of a command that manages the server. */
export async function clientVersion(name: string): Promise<string | null> {
  return (await ask(name, ['--version']))?.trim() ?? null;
}

export async function isClockSynchronized(): Promise<boolean | null> {
  const answer = (await ask('timedatectl', ['show', '--property=NTPSynchronized', '--value']))?.trim();
  return answer === 'yes' || answer === 'no' ? answer === 'yes' : null;
}

const agentUnit = 'guard-agent.service';
const recoverUnit = 'guard-recover.service';

export async function unitsFacts(): Promise<UnitsFacts> {
  // The sign of sd_booted(3).
  if ((await stat('/run/systemd/system').catch(() => null)) === null) return { kind: 'none' };
  const properties = '--property=Id,LoadState,UnitFileState,ActiveState';
  const answer = await ask('systemctl', ['show', properties, agentUnit, recoverUnit]);
  if (answer === null) return { kind: 'none' };
  const units = readUnits(answer);
  return { kind: 'systemd', agent: units.get(agentUnit) ?? absent, recover: units.get(recoverUnit) ?? absent };
}

const absent: UnitFacts = { enabled: 'not-found', active: 'inactive' };

/** `systemctl show` writes a block of `Key=value` for each unit. */
export function readUnits(text: string): ReadonlyMap<string, UnitFacts> {
  const blocks = text.split(/\n\s*\n/).map((block) => new Map(block.split('\n').map(keyAndValue)));
  return new Map(
    blocks.map((block) => [
      block.get('Id') ?? '',
      {
        enabled: block.get('LoadState') === 'not-found' ? 'not-found' : block.get('UnitFileState') || 'disabled',
        active: block.get('ActiveState') ?? 'unknown',
      },
    ]),
  );
}

function keyAndValue(line: string): [string, string] {
  const at = line.indexOf('=');
  return [line.slice(0, at), line.slice(at + 1)];
}

/** Of the folder of records, or of the nearest one above it that exists. */
export async function stateFacts(path: string): Promise<StateFacts> {
  const own = await stat(path).catch(() => null);
  const folder = own === null ? await nearestFolder(dirname(path)) : path;
  const problem = await access(folder, constants.W_OK | constants.X_OK).then(
    () => (own?.isDirectory() === false ? `${path} is not a folder.` : null),
    (error: NodeJS.ErrnoException) =>
      `Records cannot be written to ${path}: ${error.code ?? String(error)} at ${folder}.`,
  );
  const space = await statfs(folder).catch(() => null);
  return {
    path,
    problem,
    mode: own === null ? null : own.mode & 0o777,
    isInMemory: space !== null && inMemory.has(space.type),
    free: space === null ? null : space.bavail * space.bsize,
  };
}

/** statfs(2): tmpfs and ramfs. */
const inMemory: ReadonlySet<number> = new Set([0x01021994, 0x858458f6]);

async function nearestFolder(path: string): Promise<string> {
  if (path === dirname(path) || (await stat(path).catch(() => null)) !== null) return path;
  return nearestFolder(dirname(path));
}
