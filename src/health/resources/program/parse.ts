import type { Section } from '../../probe/sections.ts';

/** The program of each process: its file, and of an interpreter the script. Arguments are read here and not kept: they may hold secrets. */
export function programsFrom(section: Section): ReadonlyMap<number, string> {
  const files = new Map<number, string>();
  const words = new Map<number, readonly string[]>();
  let pid: number | null = null;
  for (const line of section.lines) {
    const [, link, file] = /^\/proc\/(\d{1,10})\/exe -> (.{1,300})$/.exec(line) ?? [];
    if (link !== undefined && file !== undefined) files.set(Number(link), file.replace(/ \(deleted\)$/, ''));
    const head = /^==> \/proc\/(\d{1,10})\/cmdline <==$/.exec(line)?.[1];
    if (head !== undefined) pid = Number(head);
    else if (pid !== null && line !== '') {
      words.set(
        pid,
        line.split('\t').filter((word) => word !== ''),
      );
      pid = null;
    }
  }
  return new Map([...files].map(([one, file]) => [one, programOf(file, words.get(one) ?? [])]));
}

function programOf(file: string, words: readonly string[]): string {
  const name = file.slice(file.lastIndexOf('/') + 1);
  if (!interpreter.test(name)) return file;
  const at = words.findIndex((word, index) => index > 0 && !word.startsWith('-'));
  const before = words[at - 1];
  if (before === '-m') return `${withoutMinor(name)} -m ${words[at] ?? ''}`.slice(0, 200);
  if (before === '-c' || before === '-e' || at < 0) return withoutMinor(name);
  return `${withoutMinor(name)} ${words[at] ?? ''}`.slice(0, 200);
}

/** The same script by another minor version of its interpreter is the same program. */
const withoutMinor = (name: string): string => name.replace(/\d[\d.]*$/, '');

export const interpreter =
  /^(python|perl|ruby|php|node|java|sh$|bash|dash|busybox|tclsh|lua|mono|dotnet|guile|erl|beam)/;
