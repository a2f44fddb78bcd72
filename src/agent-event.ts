/**
 * The events of the agent, between runs. The events of runs are in `event.ts`. Everything that
 * comes from an instance is already neutralised.
 */

/** The instance of a relay or transaction. */
export interface Subject {
  readonly instance: string;
  readonly project: string;
  /** The remote as in the `incus` command; null for the local socket. */
  readonly remote: string | null;
}

export type AgentEvent =
  /** The agent accepts requests. */
  | { readonly type: 'agent-started'; readonly version: string; readonly servers: readonly string[] }
  /** The agent is stopping; `runs` must still finish. */
  | { readonly type: 'agent-stopping'; readonly runs: number }
  | { readonly type: 'agent-stopped' }
  /** The connection to the events of a server was lost. The agent keeps reconnecting. */
  | { readonly type: 'server-disconnected'; readonly server: string; readonly message: string }
  | { readonly type: 'server-connected'; readonly server: string }
  /** The relay of the instance is ready. */
  | ({ readonly type: 'relay-up' } & Subject)
  | ({ readonly type: 'relay-down'; readonly message: string } & Subject)
  /** The relay is no longer needed. */
  | ({ readonly type: 'relay-closed' } & Subject)
  /** A package manager has asked for a restore point. */
  | ({
      readonly type: 'transaction-announced';
      readonly manager: string;
      readonly command: string;
      /** Null if its hook does not report it. */
      readonly packages: number | null;
    } & Subject)
  | ({ readonly type: 'transaction-answered'; readonly reply: string; readonly ms: number } & Subject)
  /** The run of the transaction ended or was refused. */
  | ({
      readonly type: 'transaction-ended';
      readonly run: string;
      readonly outcome: string;
      readonly ms: number;
    } & Subject)
  /** A change waits for its confirmation until the deadline, milliseconds since 1970, which may have been moved. */
  | ({ readonly type: 'confirmation-waiting'; readonly run: string; readonly deadline: number } & Subject)
  /** It was confirmed, or rolled back. */
  | ({ readonly type: 'confirmation-ended'; readonly run: string; readonly outcome: string } & Subject)
  /** A warning for a person. */
  | ({ readonly type: 'agent-warning'; readonly message: string } & Partial<Subject>);

/** The receiver of the events of the agent. */
export type AgentListener = (event: AgentEvent) => void;
