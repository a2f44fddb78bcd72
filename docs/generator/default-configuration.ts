import { stringify } from 'yaml';
import { jsonSchema } from '../../src/config/json-schema.ts';
import { mapOf } from './configuration-schema.ts';
import type { Schema } from './json-schema.ts';
import type { Page } from './markdown.ts';

/** packaging/debian/guard.yaml: what the packages install as /etc/guard/guard.yaml. It sets nothing. */
export function defaultConfiguration(): Page {
  const settings = mapOf(((jsonSchema() as Schema).definitions ?? {})['settings'] ?? {}).properties ?? {};
  return {
    path: 'packaging/debian/guard.yaml',
    text: `${[
      '# The configuration of guard for this host; see guard.yaml(5). A guard.yaml in the working directory or in the',
      "# user's configuration directory is read instead.",
      '#',
      '# No setting is active. Remove the # in front of a setting to use it. The values are the defaults.',
      '',
      'defaults: # for all instances',
      ...Object.entries(settings).flatMap(([name, schema]) => setting(name, schema)),
      '',
      'instances: # by name or glob; the most specific one wins',
      '  #"web-*":',
      '    #restart: true',
    ].join('\n')}\n`,
  };
}

/** Only settings with one value as their default: others are explained in the manual. */
function setting(name: string, { description = '', default: value }: Schema): readonly string[] {
  if (value === undefined) return [];
  return [
    '',
    ...wrapped(description.replaceAll('`', '')),
    `  #${stringify({ [name]: value }, { lineWidth: 0 }).trim()}`,
  ];
}

const width = 110;

function wrapped(text: string): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length + 1 > width) lines.push(`  # ${word}`);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}
