import type { CheckCommon, CheckDefinition, DnsCheck, HttpCheck, SystemdCheck, Words } from './check-definition.ts';

/** The defaults of checks. */
export const checkDefaults: Omit<CheckCommon, 'name'> = {
  severity: 'required',
  timeoutMs: 10_000,
  intervalMs: 2000,
  retries: 3,
  startPeriodMs: 0,
};

/** As Kubernetes has it: a redirect is an answer. */
export const httpDefaults: Omit<HttpCheck, keyof CheckCommon | 'kind' | 'url'> = {
  method: 'GET',
  headers: {},
  status: [{ first: 200, last: 399 }],
  expectHeaders: {},
  expectBody: null,
  tls: { verify: true, caFile: null, serverName: null },
  redirects: 0,
};

export const dnsDefaults: Omit<DnsCheck, keyof CheckCommon | 'kind' | 'query'> = {
  server: '{address}',
  port: 53,
  transport: 'udp',
  type: 'A',
  rcode: 'NOERROR',
  answers: null,
};

export const systemdDefaults: Omit<SystemdCheck, keyof CheckCommon | 'kind' | 'unit'> = {
  active: ['active', 'reloading', 'refreshing'],
  sub: null,
};

/** A command that the user wrote as one string runs in the shell of the instance. */
export function shellCommand(command: string): Words {
  return ['sh', '-c', command];
}

/** The check of `--check 'COMMAND'`. Give it to `nameChecks` with the others. */
export function commandCheck(command: string, timing: Partial<Omit<CheckCommon, 'name'>> = {}): CheckWithoutName {
  return {
    kind: 'exec',
    command: shellCommand(command),
    environment: {},
    user: 0,
    cwd: '/',
    ...checkDefaults,
    ...timing,
    name: null,
  };
}

/** A check whose name is optional. */
export type CheckWithoutName = CheckDefinition extends infer Check
  ? Check extends CheckDefinition
    ? Omit<Check, 'name'> & { readonly name: string | null }
    : never
  : never;

/**
 * Gives every check without a name a readable one, and makes all names unique by `(2)`, `(3)`, …; the order stays. Names
 * that were given are kept before those that are made.
 */
export function nameChecks(checks: readonly CheckWithoutName[]): CheckDefinition[] {
  const taken = new Set<string>();
  function take(wanted: string): string {
    let name = wanted;
    for (let count = 2; taken.has(name); count += 1) name = `${wanted} (${count})`;
    taken.add(name);
    return name;
  }
  const given = checks.map((check) => (check.name === null ? null : take(check.name)));
  return checks.map((check, index) => ({ ...check, name: given[index] ?? take(defaultName(check)) }));
}

function defaultName(check: CheckWithoutName): string {
  return shortened(subjectOf(check).replace(/\s+/g, ' ').trim());
}

function subjectOf(check: CheckWithoutName): string {
  switch (check.kind) {
    case 'exec':
      return formatCommand(check.command);
    case 'host':
      return `host ${formatCommand(check.command)}`;
    case 'http':
      return withoutPassword(check.url);
    case 'tcp':
      return `tcp ${check.address}:${check.port}`;
    case 'dns':
      return `dns ${check.query} ${check.type}`;
    case 'systemd':
      return check.unit;
    case 'plugin':
      return `plugin ${formatCommand([baseName(check.command[0]), ...check.command.slice(1)])}`;
    case 'directory':
      return check.path;
    default:
      return check satisfies never;
  }
}

/** A URL for reports: `http://user:password@host/` without what is before the `@`. */
export function withoutPassword(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, '$1');
}

function formatCommand(words: readonly string[]): string {
  return words[0] === 'sh' && words[1] === '-c' && words.length === 3 ? (words[2] ?? '') : words.join(' ');
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

const longestName = 60;

function shortened(text: string): string {
  return text.length > longestName ? `${text.slice(0, longestName - 1)}…` : text;
}
