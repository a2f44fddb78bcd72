/** A number, or a share of all instances in percent. */
export type Amount = { readonly count: number } | { readonly percent: number };

/**
 * How many instances an amount of failures allows: a share is rounded down, so that 10% of 9 instances allows none
 * (ansible#32255: the number is what is allowed, one more stops).
 */
export function allowedOf(amount: Amount, total: number): number {
  return 'count' in amount ? amount.count : Math.floor((amount.percent * total) / 100);
}

/** How many instances may change at once: a share is rounded down, and is at least one. */
export function parallelOf(amount: Amount, total: number): number {
  return Math.max(1, allowedOf(amount, total));
}

/** `3` or `10%`; null where the text is neither. */
export function parseAmount(text: string): Amount | null {
  const [, digits = '', sign] = /^(\d{1,6})(%?)$/.exec(text.trim()) ?? [];
  if (digits === '') return null;
  if (sign !== '%') return { count: Number(digits) };
  return Number(digits) <= 100 ? { percent: Number(digits) } : null;
}

/** The amount as a user writes it. */
export function formatAmount(amount: Amount): string {
  return 'count' in amount ? String(amount.count) : `${amount.percent}%`;
}
