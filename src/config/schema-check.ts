import * as z from 'zod/mini';
import { checkDefaults, dnsDefaults, httpDefaults, systemdDefaults } from '../check-default.ts';
import { dnsTypes, type CheckCommon, type CheckDefinition } from '../check-definition.ts';
import { numberLimits, timeLimits } from './limits.ts';
import {
  changed,
  choice,
  command,
  flag,
  headers,
  mapping,
  needed,
  numberWithin,
  oneOrMore,
  optional,
  path,
  pattern,
  port,
  someText,
  statuses,
  text,
  textMatch,
  timeWithin,
  userId,
  variables,
  wholeNumber,
} from './schema-values.ts';

/** A check without its name, which is its key. */
type NamelessCheck = CheckDefinition extends infer Check
  ? Check extends CheckDefinition
    ? Omit<Check, 'name'>
    : never
  : never;

/** What every check has. */
const common = {
  severity: optional(choice(['required', 'advisory']), {
    description: '`required` decides the verdict, `advisory` is only reported.',
    default: 'required',
  }),
  timeout: optional(timeWithin(timeLimits.checkTimeout), {
    description: 'The time limit of one attempt. The check is then killed and counts as failed.',
    default: '10s',
  }),
  interval: optional(timeWithin(timeLimits.checkInterval), {
    description: 'The time between two attempts.',
    default: '2s',
  }),
  retries: optional(numberWithin(numberLimits.checkRetries), {
    description: 'How many consecutive failures make the check fail.',
    default: 3,
  }),
  startPeriod: optional(timeWithin(timeLimits.checkStartPeriod), {
    description: 'The time after the command or a start in which failures do not count. The first success ends it.',
    default: '0s',
  }),
};

type Timing = { readonly [K in keyof typeof common]?: z.output<(typeof common)[K]> };

function commonOf({ severity, timeout, interval, retries, startPeriod }: Timing): Omit<CheckCommon, 'name'> {
  return {
    severity: severity ?? checkDefaults.severity,
    timeoutMs: timeout ?? checkDefaults.timeoutMs,
    intervalMs: interval ?? checkDefaults.intervalMs,
    retries: retries ?? checkDefaults.retries,
    startPeriodMs: startPeriod ?? checkDefaults.startPeriodMs,
  };
}

const onHost =
  'The words {address}, {address6} and {address:eth1} in its arguments stand for the addresses of the instance.';

const execCheck = changed(
  mapping('check', {
    exec: needed(command, {
      description:
        'Runs inside the instance; status 0 passes. A text is run by the shell of the instance (sh -c), a list of words without any shell.',
    }),
    environment: optional(variables, { description: 'Variables for the command.' }),
    user: optional(userId, { description: 'The numeric user id in the instance.', default: 0 }),
    cwd: optional(path('folder'), { description: 'The folder in the instance.', default: '/' }),
    ...common,
  }),
  (fields): NamelessCheck => ({
    kind: 'exec',
    command: fields.exec,
    environment: fields.environment ?? {},
    user: fields.user ?? 0,
    cwd: fields.cwd ?? '/',
    ...commonOf(fields),
  }),
);

const hostCheck = changed(
  mapping('check', {
    host: needed(command, {
      description: `Runs on the machine that runs guard, in guard's working directory; status 0 passes. A text is run by sh -c, a list of words without any shell. ${onHost}`,
    }),
    environment: optional(variables, { description: 'Variables for the command, added to those of guard.' }),
    ...common,
  }),
  (fields): NamelessCheck => ({
    kind: 'host',
    command: fields.host,
    environment: fields.environment ?? {},
    ...commonOf(fields),
  }),
);

const httpCheck = changed(
  mapping('check', {
    http: needed(
      z
        .string({ error: 'a URL' })
        .check(z.refine(isHttpUrl, { error: 'a URL like http://{address}/ or https://{address:eth1}:8443/health' })),
      {
        description:
          'Sends one request to this URL from the machine that runs guard. {address}, {address6} and {address:eth1} stand for the addresses of the instance.',
        examples: ['http://{address}/', 'https://{address}:8443/health'],
      },
    ),
    method: optional(choice(['GET', 'HEAD', 'POST']), { description: 'The method of the request.', default: 'GET' }),
    headers: optional(headers, { description: 'Headers of the request.' }),
    status: optional(statuses(100, 599, '200-299,301'), {
      description: 'The statuses that pass.',
      default: '200-399',
      examples: [200, '200-299,301'],
    }),
    expectHeaders: optional(
      z.record(z.string(), textMatch, { error: 'a mapping of headers to what they must contain' }),
      { description: 'Headers of the reply, and what they must contain.' },
    ),
    expectBody: optional(textMatch, {
      description: 'What the first megabyte of the reply must contain: a text, or { matches: "regular expression" }.',
    }),
    tls: optional(
      mapping('tls', {
        verify: optional(flag, { description: 'Whether the certificate must be valid.', default: true }),
        caFile: optional(someText, {
          description:
            'A file of PEM certificates to use instead of those of the system, relative to the folder of this file.',
        }),
        serverName: optional(someText, {
          description:
            'The name that the certificate must have and that the request uses, if the URL has only an address.',
        }),
      }),
      { description: 'How the certificate of an https server is checked.' },
    ),
    redirects: optional(wholeNumber(0, 20), {
      description:
        'How many redirects are followed. With 0, the redirect itself is the result. guard does not follow a redirect to this machine, to a private network or, with {address} in the URL, to any other server.',
      default: 0,
    }),
    ...common,
  }),
  (fields): NamelessCheck => ({
    kind: 'http',
    url: fields.http,
    method: fields.method ?? httpDefaults.method,
    headers: fields.headers ?? httpDefaults.headers,
    status: fields.status ?? httpDefaults.status,
    expectHeaders: fields.expectHeaders ?? httpDefaults.expectHeaders,
    expectBody: fields.expectBody ?? httpDefaults.expectBody,
    tls: {
      verify: fields.tls?.verify ?? httpDefaults.tls.verify,
      caFile: fields.tls?.caFile ?? httpDefaults.tls.caFile,
      serverName: fields.tls?.serverName ?? httpDefaults.tls.serverName,
    },
    redirects: fields.redirects ?? httpDefaults.redirects,
    ...commonOf(fields),
  }),
);

const endpointExpected = 'a port, or an address and a port like "{address6}:25", "192.0.2.1:25" or "[2001:db8::1]:25"';
const endpointForm = /^(\[[0-9A-Fa-f:.]+\]|\{address[46]?(?::[^{}\s]+)?\}|[^\s:[\]{}]+):(\d{1,5})$/;

/** `25`, or `"{address6}:25"`. */
const endpoint = changed(
  z.union([port, pattern(endpointForm, endpointExpected)], { error: endpointExpected }),
  (given, complain) => {
    if (typeof given === 'number') return { address: '{address}', port: given };
    const match = endpointForm.exec(given);
    const number = Number(match?.[2]);
    if (number < 1 || number > 65_535) complain(endpointExpected);
    return { address: (match?.[1] ?? '').replace(/^\[|\]$/g, ''), port: number };
  },
);

const tcpCheck = changed(
  mapping('check', {
    tcp: needed(endpoint, {
      description:
        'Connects from the machine that runs guard: to this port of the instance, or to an address and a port.',
      examples: [25, '{address6}:25'],
    }),
    send: optional(text, { description: 'Text to send after connecting.' }),
    expect: optional(textMatch, {
      description: 'What the first 64 KiB of the reply must contain. Without this key, a connection is enough.',
    }),
    ...common,
  }),
  (fields): NamelessCheck => ({
    kind: 'tcp',
    ...fields.tcp,
    send: fields.send ?? null,
    expect: fields.expect ?? null,
    ...commonOf(fields),
  }),
);

const rcodes = [
  'NOERROR',
  'FORMERR',
  'SERVFAIL',
  'NXDOMAIN',
  'NOTIMP',
  'REFUSED',
  'YXDOMAIN',
  'YXRRSET',
  'NXRRSET',
  'NOTAUTH',
  'NOTZONE',
] as const;

const dnsCheck = changed(
  mapping('check', {
    dns: needed(someText, {
      description: 'The name that the name server is asked for.',
      examples: ['www.example.org'],
    }),
    type: optional(choice(dnsTypes), { description: 'The type of record.', default: 'A' }),
    server: optional(someText, {
      description: 'The name server: an address, a name, or "{address}" (in quotes).',
      default: '{address}',
    }),
    port: optional(port, { description: 'The port of the name server.', default: 53 }),
    transport: optional(choice(['udp', 'tcp']), {
      description: 'With udp, a truncated answer is requested again over tcp.',
      default: 'udp',
    }),
    rcode: optional(choice(rcodes), { description: 'The expected response code.', default: 'NOERROR' }),
    answers: optional(z.array(someText, { error: 'a list of answers' }), {
      description: 'Expected answers, as in a zone file. Default: at least one answer. An empty list accepts none.',
      examples: [['192.0.2.1'], ['10 mail.example.org']],
    }),
    ...common,
  }),
  (fields): NamelessCheck => ({
    kind: 'dns',
    query: fields.dns,
    type: fields.type ?? dnsDefaults.type,
    server: fields.server ?? dnsDefaults.server,
    port: fields.port ?? dnsDefaults.port,
    transport: fields.transport ?? dnsDefaults.transport,
    rcode: fields.rcode ?? dnsDefaults.rcode,
    answers: fields.answers ?? dnsDefaults.answers,
    ...commonOf(fields),
  }),
);

const activeStates = [
  'active',
  'reloading',
  'refreshing',
  'inactive',
  'failed',
  'activating',
  'deactivating',
  'maintenance',
] as const;

const systemdCheck = changed(
  mapping('check', {
    systemd: needed(pattern(/^[\w:.@\\-]+$/, 'the name of a unit, like nginx.service'), {
      description: 'Reads the state of this unit from systemd in the instance.',
      examples: ['nginx.service'],
    }),
    active: optional(oneOrMore(choice(activeStates), `one or more of ${activeStates.join(', ')}`), {
      description: 'The values of ActiveState that pass.',
      default: ['active', 'reloading', 'refreshing'],
    }),
    sub: optional(oneOrMore(someText, 'one SubState or a list of them'), {
      description: 'The values of SubState that pass. Default: all.',
    }),
    ...common,
  }),
  (fields): NamelessCheck => ({
    kind: 'systemd',
    unit: fields.systemd,
    active: fields.active ?? systemdDefaults.active,
    sub: fields.sub ?? systemdDefaults.sub,
    ...commonOf(fields),
  }),
);

const pluginCheck = changed(
  mapping('check', {
    plugin: needed(command, {
      description: `A monitoring plugin: status 0 is ok, 1 warning, 2 critical, 3 unknown. A text is run by sh -c, a list of words without any shell. ${onHost.replace('in its arguments', 'in the arguments of a plugin on the host')}`,
      examples: [['/usr/lib/nagios/plugins/check_load', '-w', 5, '-c', 10]],
    }),
    where: optional(choice(['inside', 'host']), {
      description: 'Inside the instance, or on the machine that runs guard.',
      default: 'inside',
    }),
    warning: optional(choice(['passed', 'failed']), { description: 'What a warning counts as.', default: 'passed' }),
    ...common,
  }),
  (fields): NamelessCheck => ({
    kind: 'plugin',
    command: fields.plugin,
    where: fields.where ?? 'inside',
    warning: fields.warning ?? 'passed',
    ...commonOf(fields),
  }),
);

const directoryCheck = changed(
  mapping('check', {
    directory: needed(path('folder'), {
      description:
        "A folder of scripts inside the instance, in greenboot's layout: those in required.d have the severity of this check, those in wanted.d are advisory.",
      examples: ['/etc/greenboot/check'],
    }),
    ...common,
  }),
  (fields): NamelessCheck => ({ kind: 'directory', path: fields.directory, ...commonOf(fields) }),
);

/** The keys that say what a check asks, in the order of the union below. */
export const checkKinds = ['exec', 'host', 'http', 'tcp', 'dns', 'systemd', 'plugin', 'directory'] as const;

/** Keys that every check has. */
export const commonCheckKeys = Object.keys(common);

const kindExpected = `a mapping with one of ${checkKinds.join(', ')}`;

/** One check as it stands in the file: the key that names its kind says what is asked. */
export const check = z
  .union([execCheck, hostCheck, httpCheck, tcpCheck, dnsCheck, systemdCheck, pluginCheck, directoryCheck], {
    error: kindExpected,
  })
  .register(z.globalRegistry, {
    id: 'check',
    description: 'A health check. The key names its kind.',
  });

function isHttpUrl(url: string): boolean {
  const filled = url.replaceAll(/\{address[46]?(?::[^{}\s]+)?\}/g, '192.0.2.1');
  return !/[{}\s]/.test(filled) && /^https?:\/\//i.test(filled) && URL.canParse(filled);
}
