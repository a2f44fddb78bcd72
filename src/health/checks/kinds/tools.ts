import type { AskContext } from '../../observation.ts';
import type { AskAddresses } from '../address.ts';

/** What a kind of check works with. `signal` aborts at the check's timeout, and when the try is over: then clean up. */
export interface KindTools extends Required<AskContext> {
  readonly askAddresses: AskAddresses;
}
