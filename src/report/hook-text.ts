import type { Installation, PingResult } from '../package-hook/installation.ts';

/** What `guard hook` did, or found, for a person. */
export function hookLines(
  instance: string,
  installation: Installation | null,
  way: PingResult | null,
  unable: readonly string[],
): string[] {
  if (installation === null) return [`${instance}: the hook is not installed`];
  const { managers, parts } = installation;
  const widest = Math.max(0, ...parts.map(({ path }) => path.length));
  return [
    managers.length === 0
      ? `${instance}: the hook is ${parts.length === 0 ? 'not installed' : 'removed'}`
      : `${instance}: the hook is installed for ${managers.join(', ')}`,
    ...parts.map(
      ({ path, mode, state }) => `  ${path.padEnd(widest)}  ${mode.toString(8).padStart(4, '0')}  ${words[state]}`,
    ),
    ...unable.map((message) => `  ${message}`),
    ...(way === null ? [] : [`  ${describeTarget(way)}`]),
  ];
}

const words = {
  written: 'written',
  unchanged: 'up to date',
  removed: 'removed',
  missing: 'missing: install it again',
  other: 'differs from what this version of guard installs: install it again',
} as const;

function describeTarget(way: PingResult): string {
  switch (way.kind) {
    case 'answers':
      return `the agent on the host answers, ${Math.round(way.ms)} ms`;
    case 'silent':
      return 'no agent answers. Start it on the host: guard agent';
    case 'stopped':
      return 'the instance is stopped, so the agent was not tested';
  }
}
