import type { Severity } from './event.ts';

/**
 * A configured health check with every default filled in. Plain data, so that it can be stored in the
 * journal and run again by `guard recover`. All times are milliseconds.
 */
export type CheckDefinition = SingleCheck | DirectoryCheck;

/** A check with one result. */
export type SingleCheck = ExecCheck | HostCheck | HttpCheck | TcpCheck | DnsCheck | SystemdCheck | PluginCheck;

/** The keys of every kind. They are named as in Docker. */
export interface CheckCommon {
  /** Unique among the checks of a run. */
  readonly name: string;
  readonly severity: Severity;
  /** The time limit of one attempt. The check is then killed and counts as failed. */
  readonly timeoutMs: number;
  /** The time between two attempts. */
  readonly intervalMs: number;
  /** How many consecutive failures make it fail; at least 1. */
  readonly retries: number;
  /** The time after the command or a start in which failures do not count. The first success ends it. */
  readonly startPeriodMs: number;
}

/** Runs inside the instance. Status 0 passes; 126 and 127 mean that the check could not run. */
export interface ExecCheck extends CheckCommon {
  readonly kind: 'exec';
  /** The argument vector. A string of the user becomes `sh -c STRING`, see `shellCommand`. */
  readonly command: Words;
  readonly environment: Readonly<Record<string, string>>;
  readonly user: number;
  readonly cwd: string;
}

/** Runs on the machine that runs guard; `{address}` in its arguments is the address of the instance. Status 0 passes. */
export interface HostCheck extends CheckCommon {
  readonly kind: 'host';
  readonly command: Words;
  readonly environment: Readonly<Record<string, string>>;
}

/** Sent from the machine that runs guard, on a connection of its own. */
export interface HttpCheck extends CheckCommon {
  readonly kind: 'http';
  /** May hold `{address}`, also `{address6}`, `{address:eth1}`, in the place of the host. */
  readonly url: string;
  readonly method: 'GET' | 'HEAD' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  /** Statuses that pass, as inclusive ranges. */
  readonly status: readonly { readonly first: number; readonly last: number }[];
  /** By header name, in any case. */
  readonly expectHeaders: Readonly<Record<string, TextMatch>>;
  /** Expected in the first megabyte of the body. */
  readonly expectBody: TextMatch | null;
  readonly tls: TlsSettings;
  /** How many redirects are followed. With 0, the redirect itself is the result. */
  readonly redirects: number;
}

export interface TlsSettings {
  readonly verify: boolean;
  /** A file of PEM certificates on the machine that runs guard, in the place of the system's; null for the system's. */
  readonly caFile: string | null;
  /** The name that the certificate must have and that the request uses, if the URL has only an address. */
  readonly serverName: string | null;
}

export interface TcpCheck extends CheckCommon {
  readonly kind: 'tcp';
  readonly address: string;
  readonly port: number;
  /** Text to send after connecting. */
  readonly send: string | null;
  /** Expected in the first 64 KiB of the answer; null: a connection is enough. */
  readonly expect: TextMatch | null;
}

export interface DnsCheck extends CheckCommon {
  readonly kind: 'dns';
  /** An address, a name, or `{address}`. */
  readonly server: string;
  readonly port: number;
  /** With UDP, a truncated answer is requested again over TCP. */
  readonly transport: 'udp' | 'tcp';
  readonly query: string;
  readonly type: DnsType;
  /** The expected response code: `NOERROR`, `NXDOMAIN`, `REFUSED`, … */
  readonly rcode: string;
  /**
   * Expected answers, as in a zone file, without a final dot: `192.0.2.1`,
   * `10 mail.example.org`. Null: at least one answer where the code is NOERROR; empty: none is needed.
   */
  readonly answers: readonly string[] | null;
}

export const dnsTypes = ['A', 'AAAA', 'CAA', 'CNAME', 'MX', 'NS', 'PTR', 'SOA', 'SRV', 'TXT'] as const;

export type DnsType = (typeof dnsTypes)[number];

/** A systemd unit in the instance. Its states are compared as words, not searched in text (F31). */
export interface SystemdCheck extends CheckCommon {
  readonly kind: 'systemd';
  readonly unit: string;
  /** The ActiveStates that pass. */
  readonly active: readonly string[];
  /** The SubStates that pass; null for any. */
  readonly sub: readonly string[] | null;
}

/** A monitoring plugin: 0 ok, 1 warning, 2 critical, 3 unknown. */
export interface PluginCheck extends CheckCommon {
  readonly kind: 'plugin';
  readonly command: Words;
  readonly where: 'inside' | 'host';
  /** On the machine that runs guard. */
  readonly environment?: Readonly<Record<string, string>>;
  /** What a warning counts as. */
  readonly warning: 'passed' | 'failed';
}

/** Scripts inside, in greenboot's layout: those in `required.d` have this severity, those in `wanted.d` are advisory. */
export interface DirectoryCheck extends CheckCommon {
  readonly kind: 'directory';
  readonly path: string;
}

export type Words = readonly [string, ...string[]];

export type TextMatch =
  | { readonly kind: 'text'; readonly text: string }
  /** JavaScript's syntax, `^` and `$` at every line. */
  | { readonly kind: 'regex'; readonly pattern: string };
