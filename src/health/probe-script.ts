/** What the shell inside reads: the nonce, then the script. */
export const probeInput = (nonce: string): string => `n=${nonce}\n`;
