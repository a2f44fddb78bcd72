import type { CheckDefinition } from '../check-definition.ts';
import type { Settings } from './settings.ts';

/**
 * What one place says (the file's defaults, one of its blocks, the flags): any part of the settings. In a mapping, such as
 * `environment`, null takes away what a less exact place said.
 */
export type Layer = { readonly [Name in Exclude<keyof Settings, 'checks'>]?: Part<Settings[Name]> | undefined } & {
  readonly checks?: Readonly<Record<string, CheckDefinition | null>> | undefined;
};

type Part<T> = T extends readonly unknown[] | string | number | boolean | null
  ? T
  : { readonly [Entry in keyof T]?: T[Entry] | null | undefined };

/** Says nothing. */
export const emptyLayer: Layer = {};

/**
 * Joins two layers; `above` wins. Mappings are joined by their entries: checks by name, variables of the environment by name,
 * `onFailure` by cause, `automatic` and `hook` by setting, `hooks` by moment. An entry replaces the whole entry of the same name.
 * Everything else is replaced. Associative, with `emptyLayer` as the neutral one.
 */
export function mergeLayers(below: Layer, above: Layer): Layer {
  const known: Readonly<Record<string, unknown>> = below;
  return {
    ...present(below),
    ...Object.fromEntries(
      Object.entries(present(above)).map(([name, value]) => [
        name,
        isMapping(value) ? Object.assign({}, known[name], present(value)) : value,
      ]),
    ),
  };
}

export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An option that was not given must not hide what a file says. */
function present<T extends object>(entries: T): T {
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined)) as T;
}
