import type { Result } from '../result.ts';
import type { Facts } from './facts.ts';

/** The answer came and is not what the probe writes. */
export interface UnreadableFacts {
  readonly kind: 'unreadable';
  readonly says: string;
}

/** Reads what the probe wrote. Total: whatever comes, it returns facts, with `null` for what cannot be trusted. */
export const parseProbe = (text: string, nonce: string): Result<Facts, UnreadableFacts> => {
  void text;
  void nonce;
  return { ok: false, error: { kind: 'unreadable', says: 'The probe is not written yet.' } };
};
