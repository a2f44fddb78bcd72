import type { KernelSettings } from '../../facts.ts';
import type { Section } from '../../probe/sections.ts';

/** Lines of sysctl.d with their file, `values`, and values with their file below /proc/sys. */
export function kernelSettingsFrom(section: Section): KernelSettings | null {
  const valuesAt = section.lines.indexOf('values');
  if (valuesAt < 0) return null;
  const lines = section.lines.slice(0, Math.min(valuesAt, 5000));
  return { configured: configuredIn(lines), current: currentIn(section.lines.slice(valuesAt + 1, valuesAt + 2000)) };
}

/** sysctl.d(5): a file of /etc replaces one of the same name elsewhere; of all files, the last name in order decides. */
function configuredIn(lines: readonly string[]): KernelSettings['configured'] {
  const files = new Map<string, { path: string; settings: [string, string][] }>();
  for (const line of lines) {
    const masked = /^masked (\/\S+)$/.exec(line)?.[1];
    const [, path, text] = /^(\/[^:]{1,200}):(.*)$/.exec(line) ?? [];
    const file = masked ?? path;
    if (file === undefined) continue;
    const name = file.slice(file.lastIndexOf('/') + 1);
    const known = files.get(name);
    // The folders come in the order of their rank, the highest last.
    const entry = known?.path === file ? known : { path: file, settings: [] };
    files.set(name, entry);
    const [, key, value] = /^\s*-?\s*([\w./*-]{1,200}?)\s*=\s*(.*?)\s*$/.exec(text ?? '') ?? [];
    if (key !== undefined && value !== undefined)
      entry.settings.push([key.replaceAll('/', '.'), value.replace(/\s+/g, ' ').slice(0, 100)]);
  }
  const settings = new Map<string, { value: string; file: string }>();
  for (const [, { path, settings: own }] of [...files].toSorted(([a], [b]) => (a < b ? -1 : 1)))
    for (const [key, value] of own) settings.set(key, { value, file: path });
  return Object.fromEntries(settings);
}

function currentIn(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    lines.flatMap((line) => {
      const [, path, value] = /^\/proc\/sys\/([\w./-]{1,200}):(.*)$/.exec(line) ?? [];
      return path === undefined || value === undefined
        ? []
        : [[path.replaceAll('/', '.'), value.trim().replace(/\s+/g, ' ').slice(0, 100)]];
    }),
  );
}
