import { code } from './markdown.ts';

type Plain = string | number | boolean | null;

/** The part of JSON Schema that guard's schemas use. */
export interface Schema {
  readonly $ref?: string;
  readonly title?: string;
  readonly description?: string;
  readonly default?: Plain | readonly Plain[];
  readonly examples?: readonly (Plain | readonly Plain[])[];
  readonly type?: string | readonly string[];
  readonly const?: Plain;
  readonly enum?: readonly Plain[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly definitions?: Readonly<Record<string, Schema>>;
}

/** What may stand there, in a few words of markdown. */
export function formOf(schema: Schema): string {
  if (schema.$ref !== undefined) return nameOf(schema.$ref);
  if (schema.const !== undefined) return code(String(schema.const));
  if (schema.enum !== undefined) return schema.enum.map((value) => code(String(value))).join(', ');
  const choices = choicesOf(schema);
  if (choices.length > 0) return describeChoices(choices.map(formOf));
  if (Array.isArray(schema.type)) return schema.type.map((type) => formOf({ ...schema, type })).join(' or ');
  return formOfType(schema);
}

/** Choices within choices are told as one list. */
function choicesOf({ anyOf, oneOf, allOf }: Schema): readonly Schema[] {
  return (anyOf ?? oneOf ?? allOf ?? []).flatMap((choice) =>
    choice.anyOf === undefined ? [choice] : choicesOf(choice),
  );
}

function describeChoices(forms: readonly string[]): string {
  return [...new Set(forms)]
    .map((form, index, all) => (index > 0 && form === `a list of ${all[0]}` ? 'a list of them' : form))
    .join(' or ');
}

function formOfType(schema: Schema): string {
  switch (schema.type) {
    case 'string':
      return formOfText(schema.pattern);
    case 'integer':
    case 'number':
      return formOfNumber(schema);
    case 'boolean':
      return '`true`, `false`';
    case 'null':
      return '`null`';
    case 'array':
      return schema.items === undefined ? 'a list' : `a list of ${inBrackets(formOf(schema.items))}`;
    case 'object':
      return schema.properties === undefined ? formOfMap(schema) : `{ ${Object.keys(schema.properties).join(', ')} }`;
    default:
      return 'anything';
  }
}

function formOfText(pattern = ''): string {
  if (pattern.includes('(ms|s|m|h|d)')) return pattern.includes('never') ? 'a time or `never`' : 'a time';
  return 'text';
}

function formOfNumber({ minimum, maximum }: Schema): string {
  if (minimum === undefined || minimum < -1e9) return 'a number';
  if (maximum === undefined || maximum > 1e12) return `a number from ${minimum}`;
  return `${minimum} to ${maximum}`;
}

function formOfMap({ additionalProperties }: Schema): string {
  return typeof additionalProperties === 'object' ? `a map to ${inBrackets(formOf(additionalProperties))}` : 'a map';
}

function inBrackets(form: string): string {
  return form.includes(' or ') ? `(${form})` : form;
}

function nameOf(reference: string): string {
  const name = reference.replace(/^.*\//, '');
  return `[${name}](#${name.toLowerCase()})`;
}
