import type { Schema } from './json-schema.ts';

/** A schema that is a mapping or null is shown as the mapping. */
export function mapOf(schema: Schema): Schema {
  return {
    ...schema,
    ...schema.anyOf?.find(({ properties }) => properties !== undefined),
  };
}

/** The kinds of check. */
export function kindsOf(definitions: Readonly<Record<string, Schema>>): readonly Schema[] {
  return definitions['check']?.anyOf ?? [];
}

export type Keys = Readonly<Record<string, Schema>>;

function commonKeys(kinds: readonly Schema[]): readonly string[] {
  return Object.keys(kinds[0]?.properties ?? {}).filter((key) =>
    kinds.every(({ properties = {} }) => key in properties),
  );
}

/** The keys that every kind of check has. */
export function keysOfAllKinds(kinds: readonly Schema[]): Keys {
  return only(kinds[0]?.properties ?? {}, (key) => commonKeys(kinds).includes(key));
}

/** The keys that only this kind has. */
export function ownKeys({ properties = {} }: Schema, kinds: readonly Schema[]): Keys {
  return only(properties, (key) => !commonKeys(kinds).includes(key));
}

function only(keys: Keys, isWanted: (key: string) => boolean): Keys {
  return Object.fromEntries(Object.entries(keys).filter(([key]) => isWanted(key)));
}
