/**
 * The vocabulary of the agent: what happens between runs. The runs themselves tell theirs in `event.ts`. Everything that
 * came out of an instance is neutralised already.
 */

/** Whose relay or transaction. */
export interface Subject {
  readonly instance: string;
  readonly project: string;
  /** The remote as in the `incus` command; null for the local socket. */
  readonly remote: string | null;
}

export type AgentEvent =
  /** It hears clients from now on. */
  | { readonly type: 'agent-started'; readonly version: string; readonly servers: readonly string[] }
  /** It was asked to end; `runs` are still to be finished. */
  | { readonly type: 'agent-stopping'; readonly runs: number }
  | { readonly type: 'agent-stopped' }
  /** A server cannot be followed; it is tried again and again. */
  | { readonly type: 'server-disconnected'; readonly server: string; readonly message: string }
  | { readonly type: 'server-connected'; readonly server: string }
  /** Clients of the instance are heard. */
  | ({ readonly type: 'relay-up' } & Subject)
  | ({ readonly type: 'relay-down'; readonly message: string } & Subject)
  /** Nobody wants them to be heard any more. */
  | ({ readonly type: 'relay-closed' } & Subject)
  /** A package manager inside has asked for a way back. */
  | ({
      readonly type: 'transaction-announced';
      readonly manager: string;
      readonly command: string;
      /** Null where its hook does not tell. */
      readonly packages: number | null;
    } & Subject)
  | ({ readonly type: 'transaction-answered'; readonly reply: string; readonly ms: number } & Subject)
  /** Its run ended, or was refused. */
  | ({
      readonly type: 'transaction-ended';
      readonly run: string;
      readonly outcome: string;
      readonly ms: number;
    } & Subject)
  /** Something that a person should know. */
  | ({ readonly type: 'agent-warning'; readonly message: string } & Partial<Subject>);

/** Where the agent's events go. */
export type AgentListener = (event: AgentEvent) => void;
