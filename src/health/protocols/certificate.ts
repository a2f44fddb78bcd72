import { isIP } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { withinLimit } from '../checks/limit.ts';
import type { Answer, Socket } from '../facts.ts';
import { openConnection } from './connection.ts';
import type { Questions } from './memory.ts';

/** Looks at the certificates that servers show: with no name, and for each of the instance's sites. */
export async function askCertificates(
  sockets: readonly Socket[],
  address: string,
  sites: readonly string[],
  questions: Questions,
): Promise<Answer[]> {
  const ports = [
    ...new Set(
      sockets.filter(({ protocol, port }) => protocol === 'tcp' && tlsPorts.has(port)).map(({ port }) => port),
    ),
  ];
  const wanted = ports.flatMap((port) =>
    ['', ...(port === 443 ? sites.slice(0, mostSites) : [])].map((name) => ({ port, name })),
  );
  return Promise.all(
    wanted.map(async ({ port, name }): Promise<Answer> => {
      const said = await questions.remembering(
        `${address} ${port} certificate ${name}`,
        () => askCertificate({ address, port, name }, questions),
        certificateMs,
      );
      return { protocol: 'certificate', port: `tcp/${port}`, question: name, said };
    }),
  );
}

/** Where TLS begins at once: web, mail, directories, message queues, DNS over TLS, chat, registries, Proxmox. */
const tlsPorts = new Set([
  443, 8443, 465, 636, 853, 990, 993, 995, 2376, 4433, 5061, 5671, 6443, 6697, 8006, 8883, 9443,
]);

const mostSites = 6;

/** It changes only when the server reads it again. Milliseconds. */
const certificateMs = 2000;

const handshakeMs = 3000;

/** What a client would say of the certificate: `valid; until 2027-01-02; trusted; a.example, b.example`. Null if the port does not speak TLS. */
export async function askCertificate(
  { address, port, name }: { readonly address: string; readonly port: number; readonly name: string },
  { clock, signal }: Pick<Questions, 'clock' | 'signal'>,
): Promise<string | null> {
  const connection = connect({
    host: address,
    port,
    rejectUnauthorized: false,
    ...(name === '' || isIP(name) !== 0 ? {} : { servername: name }),
  });
  const shown = new Promise<string | null>((resolve) => {
    connection.on('secureConnect', () => resolve(describe(connection, clock.now())));
    connection.on('error', () => resolve(null));
    connection.on('close', () => resolve(null));
  });
  try {
    const opened = await openConnection(connection, clock, signal);
    if (opened !== 'open') return opened === 'refused' ? null : 'unreachable';
    const end = await withinLimit(clock, handshakeMs, signal, () => shown);
    return end.end === 'done' ? end.value : null;
  } finally {
    connection.destroy();
  }
}

function describe(connection: TLSSocket, now: number): string | null {
  const certificate = connection.getPeerCertificate();
  if (certificate.valid_to === undefined) return null;
  const [from, until] = [Date.parse(certificate.valid_from), Date.parse(certificate.valid_to)];
  const state = now < from ? 'not yet valid' : now > until ? 'expired' : 'valid';
  const error: unknown = connection.authorizationError;
  // A name that does not match says nothing here: names are compared by themselves.
  const chain = connection.authorized || String(error).includes('ALTNAME') ? 'trusted' : String(error);
  const names = (certificate.subjectaltname ?? '')
    .split(', ')
    .flatMap((name) => /^(?:DNS|IP Address):(.{1,253})$/.exec(name)?.[1] ?? []);
  const subject: unknown = certificate.subject?.CN;
  const all = names.length > 0 || typeof subject !== 'string' ? names : [subject];
  const day = Number.isNaN(until) ? 'an unknown day' : new Date(until).toISOString().slice(0, 10);
  return `${state}; until ${day}; ${chain}; ${all.slice(0, 20).toSorted().join(', ')}`;
}

export interface Certificate {
  readonly state: string;
  readonly until: string;
  readonly chain: string;
  readonly names: readonly string[];
}

/** Null where there is no certificate. */
export function readCertificate(said: string | null): Certificate | null {
  const [, state, until, chain, names] = /^([^;]*); until ([^;]*); ([^;]*); (.*)$/.exec(said ?? '') ?? [];
  if (state === undefined || until === undefined || chain === undefined) return null;
  return { state, until, chain, names: (names ?? '').split(', ').filter((name) => name !== '') };
}
