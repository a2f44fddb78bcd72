import { neutralise } from '../text.ts';
import { suggestedChecks, type ObservedSocket, type Suggestion } from './suggestion.ts';

/** Facts of an instance. They come from the instance and are untrusted. */
export interface ObservedInstance {
  /** As the user named it: `web01`, `prod:web01`. */
  readonly instance: string;
  /** The units that run. */
  readonly units: readonly string[];
  readonly sockets: readonly ObservedSocket[];
  /** Names of suggested checks that pass now: they are active. */
  readonly passing: ReadonlySet<string>;
  /** Path or URL of the JSON Schema, for editors; null to leave it out. */
  readonly schema: string | null;
}

/**
 * A commented guard.yaml. Every setting is behind a `#` without a space, in its final column.
 */
export function commentedConfiguration(seen: ObservedInstance): string {
  const name = neutralise(seen.instance, 100);
  return [
    ...(seen.schema === null ? [] : [`# yaml-language-server: $schema=${neutralise(seen.schema, 300)}`]),
    `# Settings of guard for ${name}.${seen.passing.size === 0 ? ' Nothing is set yet.' : ' The checks without # pass now.'} To use a setting, remove its #.`,
    '# A disabled setting has no space after its #, as in #soak: 10s. An explanation has one.',
    '#',
    '# Without settings, guard compares what it observes before and after a command. At present this is:',
    ...listed('running units', seen.units),
    ...listed('sockets', seen.sockets.map(formatSocket)),
    '# and also packages, addresses, processes, files below /etc, and disk space.',
    '',
    'defaults: # for every instance',
    ...indented(general),
    '',
    'instances:',
    `  ${keyText(seen.instance)}: # overrides the defaults; may also be a glob like "web-*"`,
    ...indented(indented(checkLines(suggestedChecks(seen.sockets), seen.passing))),
    '',
  ].join('\n');
}

const general = [
  '# How long the instance may take to become healthy, and how long it must then stay healthy.',
  '#verifyTimeout: 2m',
  '#soak: 10s',
  '',
  '# Restart the instance before the verdict, because some upgrades fail only at the next boot.',
  '#restart: true',
  '',
  '# What to do if the change fails: rollback, keep, or ask at the terminal.',
  '#onFailure: rollback',
  '',
  '# How long the command may run, and how long it may write no output.',
  '#timeout: 1h',
  '#idleTimeout: 15m',
  '',
  '# How many restore points guard keeps, and for how long.',
  '#keep: 3',
  '#expires: 30d',
];

/** A guard.yaml in which every suggested check is active, to find out which of them pass now. */
export function trialConfiguration(sockets: readonly ObservedSocket[]): string {
  const suggestions = suggestedChecks(sockets);
  if (suggestions.length === 0) return '';
  return [
    'defaults:',
    '  checks:',
    ...suggestions.flatMap(({ name, lines }) => [
      `    ${name}:`,
      ...lines.filter((line) => !isExample(line)).map((line) => `      ${line}`),
    ]),
    '',
  ].join('\n');
}

/** What only the user knows: it stays a comment. */
function isExample(line: string): boolean {
  return line.startsWith('expectBody:');
}

function checkLines(suggestions: readonly Suggestion[], passing: ReadonlySet<string>): string[] {
  const active = suggestions.filter(({ name }) => passing.has(name));
  const uncertain = suggestions.filter(({ name }) => !passing.has(name));
  return [
    '# Checks that guard runs before and after. {address} is the address of the instance.',
    active.length === 0 ? '#checks:' : 'checks:',
    ...active.flatMap(({ why, name, lines }) => [
      `  # ${why} It passes now.`,
      `  ${name}:`,
      ...lines.map((line) => `    ${isExample(line) ? '#' : ''}${line}`),
    ]),
    ...uncertain.flatMap(({ why, name, lines }) => [
      `  # ${why}`,
      `  #${name}:`,
      ...lines.map((line) => `    ${line.replace(/^ */, '$&#')}`),
    ]),
    '  # A command of your own; status 0 passes. The times are the defaults.',
    '  #works:',
    '    #exec: [/usr/local/bin/health-check, --quick]',
    '    #timeout: 10s',
    '    #interval: 2s',
    '    #retries: 3',
  ];
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => (line === '' ? '' : `  ${line}`));
}

const mostListed = 30;

function listed(what: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const more = names.length - mostListed;
  const shown = names.slice(0, mostListed).map((name) => neutralise(name, 60));
  return [`#   ${what}: ${shown.join(', ')}${more > 0 ? `, and ${more} more` : ''}`];
}

function formatSocket({ protocol, address, port, process }: ObservedSocket): string {
  return `${protocol} ${address.includes(':') ? `[${address}]` : address}:${port}${process === null ? '' : ` (${process})`}`;
}

function keyText(instance: string): string {
  return /^[A-Za-z][\w:-]*\w$/.test(instance) ? instance : JSON.stringify(neutralise(instance, 100));
}
