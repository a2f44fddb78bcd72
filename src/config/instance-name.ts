/** The instance that is asked about. `remote` is null for the local daemon. */
export interface InstanceName {
  readonly name: string;
  readonly remote: string | null;
}
