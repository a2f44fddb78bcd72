/** A listening socket, as it was seen. */
export interface ObservedSocket {
  readonly protocol: 'tcp' | 'udp';
  readonly address: string;
  readonly port: number;
  /** The process that owns it, or null. */
  readonly process: string | null;
}

/** A check that might be worth asking. */
export interface Suggestion {
  /** A sentence for the comment above. */
  readonly why: string;
  readonly name: string;
  /** Its keys, as they stand in the file. */
  readonly lines: readonly string[];
}

const most = 12;

/** One suggestion for each service that listens on a reachable address, or that can be asked from inside. */
export function suggestedChecks(sockets: readonly ObservedSocket[]): readonly Suggestion[] {
  const suggestions = new Map<string, Suggestion>();
  for (const socket of sockets.toSorted((a, b) => a.port - b.port)) {
    const suggestion = suggestedFor(socket);
    if (suggestion && suggestions.size < most && !suggestions.has(suggestion.name))
      suggestions.set(suggestion.name, suggestion);
  }
  return [...suggestions.values()];
}

function suggestedFor(socket: ObservedSocket): Suggestion | null {
  const { protocol, port } = socket;
  const inside = protocol === 'tcp' ? askedInside.get(port) : undefined;
  if (inside) return inside;
  if (isLoopback(socket.address)) return null;
  if (port === 53) return nameServer;
  if (protocol === 'udp' || port >= firstEphemeral) return null;
  return speaksHttp(socket) ? website(port) : greeting(port);
}

/** Databases mostly listen where only the instance itself reaches them, and have a client beside them. */
const askedInside = new Map<number, Suggestion>([
  [3306, { why: 'The database answers.', name: 'mysql', lines: ['exec: mysqladmin ping'] }],
  [5432, { why: 'The database accepts connections.', name: 'postgres', lines: ['exec: [pg_isready, --quiet]'] }],
  [6379, { why: 'The cache answers.', name: 'redis', lines: ['exec: redis-cli ping'] }],
]);

const nameServer: Suggestion = {
  why: 'The name server answers; better for a name of its own, with "answers".',
  name: 'dns',
  lines: ['dns: example.org', 'type: A'],
};

/** Where Linux begins with ports for clients: what listens there got any port. */
const firstEphemeral = 32_768;

const tlsPorts = [443, 8443];

function speaksHttp({ port, process }: ObservedSocket): boolean {
  return (
    [80, 3000, 8000, 8080, 8888, ...tlsPorts].includes(port) ||
    /^(nginx|apache2|httpd|caddy|lighttpd)$/.test(process ?? '')
  );
}

function website(port: number): Suggestion {
  const secure = tlsPorts.includes(port);
  const usual = port === (secure ? 443 : 80);
  return {
    why: `The web server on port ${port} answers.`,
    name: usual ? (secure ? 'https' : 'http') : `http-${port}`,
    lines: [
      `http: ${secure ? 'https' : 'http'}://{address}${usual ? '' : `:${port}`}/`,
      'status: 200-399',
      'expectBody: Welcome',
      ...(secure ? ['tls:', '  verify: false # or serverName: www.example.org'] : []),
    ],
  };
}

/** What servers say first. */
const greetings = new Map<number, readonly [name: string, greeting: string]>([
  [22, ['ssh', 'SSH-2.0']],
  [25, ['smtp', '220 ']],
  [110, ['pop3', '+OK']],
  [143, ['imap', '* OK']],
  [587, ['submission', '220 ']],
]);

function greeting(port: number): Suggestion {
  const [name, text] = greetings.get(port) ?? [`port-${port}`, null];
  return {
    why: text === null ? `Port ${port} accepts connections.` : `The ${name} server sends its greeting.`,
    name,
    lines: [`tcp: ${port}`, ...(text === null ? [] : [`expect: ${JSON.stringify(text)}`])],
  };
}

function isLoopback(address: string): boolean {
  return /^(127\.|::1$|::ffff:127\.)/.test(address);
}
