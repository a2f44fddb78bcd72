import { readFileSync } from 'node:fs';
import type { SourceMapPayload } from 'node:module';

/**
 * Formats the stack of an exception, which is a bug. Positions in the bundle are meaningless,
 * so they are translated with the source map, which is only read then.
 */
export function formatStack(bug: unknown): string {
  if (!(bug instanceof Error)) return String(bug);
  const stack = bug.stack ?? bug.message;
  return stack.replace(bundlePlace, (place, bundle: string, line: string, column: string) => {
    try {
      return sourceOf(bundle, Number(line), Number(column)) ?? place;
    } catch {
      // Without the map, the place in the bundle still tells something to whoever has the same.
      return place;
    }
  });
}

const bundlePlace = /(\/[^():\n]*\.cjs):(\d+):(\d+)/g;

function sourceOf(bundle: string, line: number, column: number): string | null {
  const { SourceMap } = process.getBuiltinModule('node:module');
  const payload = JSON.parse(readFileSync(`${bundle}.map`, 'utf8')) as SourceMapPayload;
  const entry = new SourceMap(payload).findEntry(line - 1, column - 1);
  if (!('originalSource' in entry)) return null;
  return `${entry.originalSource.replace(/^(\.\.\/)+/, '')}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
}
