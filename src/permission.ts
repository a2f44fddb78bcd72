/** What whoever started several runs says of one of them: whether its change may still begin. */
export interface Permission {
  /** Aborts when the change must not begin any more: then nothing is waited for. */
  readonly withdrawn: AbortSignal;
  /** Asked under the lock, right before the change. Null where it may begin; otherwise a sentence that says why not. */
  readonly ask: () => Promise<string | null>;
}
