/** Which instance, on which server. */
export interface InstanceAddress {
  /** The remote as in the `incus` command; null for the local socket. */
  readonly remote: string | null;
  readonly project: string;
  readonly name: string;
}
