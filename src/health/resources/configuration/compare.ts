import { advisory, listed, type FactFinding } from '../../finding.ts';
import type { ConfigurationFiles, Facts } from '../../facts.ts';

/** A file below /etc that the command replaced. */
export interface ReplacedFile {
  readonly path: string;
  /** What is left of the old one beside it, e.g. `redis.conf.dpkg-old`; null when nothing is. */
  readonly kept: string | null;
  /** The lines about listening that only the old one had, and those that only the new one has. */
  readonly gone: readonly string[];
  readonly come: readonly string[];
}

/** Every file of configuration that is not what it was, with what that changed in how services listen. */
export function replacedFiles(before: Facts, after: Facts): ReplacedFile[] {
  const [was, is] = [before.configuration, after.configuration];
  if (was === null || is === null) return [];
  return Object.entries(was.signatures)
    .filter(([path, signature]) => Object.hasOwn(is.signatures, path) && is.signatures[path] !== signature)
    .slice(0, 1000)
    .map(([path]) => {
      const [old, now] = [linesOf(was, path), linesOf(is, path)];
      return {
        path,
        kept: leftovers.map((ending) => path + ending).find((name) => appeared(name, was, is)) ?? null,
        gone: old.filter((line) => !now.includes(line)),
        come: now.filter((line) => !old.includes(line)),
      };
    });
}

/** What dpkg, ucf, rpm, apk and pacman call the file that had to give way. */
const leftovers = ['.dpkg-old', '.dpkg-bak', '.ucf-old', '.rpmsave', '.rpmorig', '.pacsave', '.apk-old'];

/** What they call the new one that was put beside the old. */
const pathBeside = /\.(dpkg-dist|ucf-dist|rpmnew|pacnew|apk-new)$/;

function linesOf(files: ConfigurationFiles, path: string): readonly string[] {
  return Object.hasOwn(files.listenLines, path) ? (files.listenLines[path] ?? []) : [];
}

function appeared(name: string, was: ConfigurationFiles, is: ConfigurationFiles): boolean {
  return Object.hasOwn(is.signatures, name) && was.signatures[name] !== is.signatures[name];
}

/** The replaced file that explains why this owner listens otherwise now; null when none stands out. */
export function explanationFor(
  names: readonly string[],
  ports: readonly number[],
  files: readonly ReplacedFile[],
): ReplacedFile | null {
  const words = wordsOf(names);
  const own = files.filter((file) => words.some((word) => file.path.toLowerCase().includes(word)));
  const telling = files.filter((file) => file.gone.length + file.come.length > 0);
  return (
    own.find((file) => telling.includes(file)) ??
    own.find((file) => file.kept !== null) ??
    telling.find((file) => ports.some((port) => file.gone.some((line) => line.split(/\D+/).includes(String(port))))) ??
    null
  );
}

/** `redis-server.service` and `mysqld` give `redis` and `mysql`, as they are found in the names of files. */
function wordsOf(names: readonly string[]): string[] {
  const common = new Set(['service', 'server', 'socket', 'main', 'daemon', 'system', 'systemd']);
  return names
    .flatMap((name) => name.toLowerCase().match(/[a-z]{3,}/g) ?? [])
    .filter((word) => !common.has(word))
    .map((word) => (word.length > 4 && word.endsWith('d') ? word.slice(0, -1) : word));
}

/** `/etc/redis/redis.conf was replaced (the old one is redis.conf.dpkg-old): "bind 0.0.0.0" became "bind 127.0.0.1"` */
export function sayReplaced({ path, kept, gone, come }: ReplacedFile): string {
  const old = kept === null ? '' : ` (the old one is ${kept})`;
  const what =
    gone.length > 0 && come.length > 0
      ? `: ${quoted(gone)} became ${quoted(come)}`
      : gone.length > 0
        ? `: removed content ${quoted(gone)}`
        : come.length > 0
          ? `: new content ${quoted(come)}`
          : '';
  return `${path} was replaced${old}${what}`;
}

function quoted(lines: readonly string[]): string {
  return listed(
    lines.map((line) => `"${line.slice(0, 100)}"`),
    3,
  );
}

/** Replaced files that explain nothing else: told, because edits may be lost, and the next restart may listen otherwise. */
export function replacementNews(
  files: readonly ReplacedFile[],
  told: ReadonlySet<string>,
  before: Facts,
  after: Facts,
): FactFinding[] {
  const worthTelling = files.filter(
    (file) => !told.has(file.path) && (file.kept !== null || file.gone.length + file.come.length > 0),
  );
  const beside = Object.keys(after.configuration?.signatures ?? {}).filter(
    (path) =>
      pathBeside.test(path) && before.configuration !== null && !Object.hasOwn(before.configuration.signatures, path),
  );
  return [
    ...worthTelling.map((file) => advisory(`file:${file.path}`, sayReplaced(file))),
    ...(beside.length === 0
      ? []
      : [
          advisory(
            'configuration',
            `kept unchanged, with the package's new version beside them: ${listed(beside.map((path) => path.replace(pathBeside, '')))}`,
          ),
        ]),
  ];
}
