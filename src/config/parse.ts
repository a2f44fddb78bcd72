import { dirname, resolve } from 'node:path';
import { safeParse } from 'zod/mini';
import type { CheckDefinition } from '../check-definition.ts';
import { err, ok, type Result } from '../result.ts';
import type { Block, Configuration } from './configuration.ts';
import { decodeText } from './decode.ts';
import { readDocument, type ReadDocument } from './document.ts';
import type { FoundFile } from './find.ts';
import { mistakesOf } from './issue.ts';
import { mistakenKeys } from './key.ts';
import { emptyLayer, type Layer } from './layer.ts';
import { inOrder, type ConfigurationMistake } from './mistake.ts';
import { compareExactness, readPattern } from './pattern.ts';
import { fileSchema } from './schema.ts';

/** More mistakes than a person corrects at once. */
const mostMistakes = 30;

/** Parses a guard.yaml. Returns all mistakes in the order of the file. Never throws. */
export function parseConfiguration({ path, bytes }: FoundFile): Result<Configuration, readonly ConfigurationMistake[]> {
  const text = decodeText(path, bytes);
  if (!text.ok) return err([text.error]);
  const document = readDocument(path, text.value);
  if (!document.ok) return err(tidy(document.error));
  return understood(path, document.value);
}

function understood(path: string, document: ReadDocument): Result<Configuration, readonly ConfigurationMistake[]> {
  const parsed = safeParse(fileSchema, document.value);
  const mistakes = [
    ...document.mistakes,
    ...mistakenKeys(path, document),
    ...mistakesOf(path, document, parsed.error?.issues ?? []),
  ];
  if (!parsed.success || mistakes.length > 0) return err(tidy(mistakes));
  const folder = dirname(path);
  return ok({
    file: { path, locate: document.locationOfKey },
    defaults: anchored(parsed.data?.defaults ?? emptyLayer, folder),
    blocks: blocksOf(parsed.data?.instances ?? {}, folder),
    groups: parsed.data?.groups ?? {},
    rollout: parsed.data?.rollout ?? {},
  });
}

/** In order, one for each place: what comes second at one place is an echo of the first. */
function tidy(mistakes: readonly ConfigurationMistake[]): readonly ConfigurationMistake[] {
  const places = new Set<string>();
  return inOrder(mistakes)
    .filter(({ location }) => {
      const key = `${location?.line}:${location?.column}`;
      return places.has(key) ? false : places.add(key);
    })
    .slice(0, mostMistakes);
}

function blocksOf(layers: Readonly<Record<string, Layer>>, folder: string): readonly Block[] {
  return Object.entries(layers)
    .flatMap(([key, layer]) => {
      const pattern = readPattern(key);
      // A key that is no pattern was a mistake before.
      return pattern.ok ? [{ key, layer, pattern: pattern.value }] : [];
    })
    .toSorted((a, b) => compareExactness(a.pattern, b.pattern))
    .map(({ key, layer, pattern }) => ({ pattern: key, matches: pattern.matches, layer: anchored(layer, folder) }));
}

/** Files that a check names are found beside the file that names them. */
function anchored(layer: Layer, folder: string): Layer {
  return layer.checks === undefined
    ? layer
    : {
        ...layer,
        checks: Object.fromEntries(
          Object.entries(layer.checks).map(([name, check]) => [
            name,
            check === null ? null : anchoredCheck(check, folder),
          ]),
        ),
      };
}

function anchoredCheck(check: CheckDefinition, folder: string): CheckDefinition {
  return check.kind === 'http' && check.tls.caFile !== null
    ? { ...check, tls: { ...check.tls, caFile: resolve(folder, check.tls.caFile) } }
    : check;
}
