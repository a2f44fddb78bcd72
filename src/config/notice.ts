import type { Words } from '../check-definition.ts';
import type { Outcome } from '../event.ts';

/** A notification about the end of a run. */
export interface Notice {
  readonly on: readonly Outcome['outcome'][];
  readonly how: NoticeWay;
  /** How long the notification may take. */
  readonly timeoutMs: number;
}

export type NoticeWay =
  /** A program on this machine; it reads the message as JSON. */
  | { readonly kind: 'command'; readonly words: Words }
  /** The message is posted there as JSON. */
  | { readonly kind: 'webhook'; readonly url: string; readonly headers: Readonly<Record<string, string>> };
