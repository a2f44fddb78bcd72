import type { MemberRecord } from './record.ts';

/** Lets the changes of a wave wait for their confirmation from the same moment on: one word keeps all of them. */
export interface WaveGate {
  /** Resolves when every other instance of the same wave is there as well, or its run has ended; or with the signal. */
  readonly arrive: (id: string, signal: AbortSignal) => Promise<void>;
  /** The run on the instance is over: its wave does not wait for it. */
  readonly leave: (id: string) => void;
}

/** The gate of the instances whose turn is to come. */
export function createWaveGate(members: readonly Pick<MemberRecord, 'id' | 'wave' | 'state'>[]): WaveGate {
  const waveOf = new Map(members.map(({ id, wave }) => [id, wave.number]));
  const missing = new Map<number, Set<string>>();
  for (const { id, wave, state } of members) {
    if (state !== 'pending') continue;
    missing.set(wave.number, (missing.get(wave.number) ?? new Set()).add(id));
  }
  const opening = new Map<number, (() => void)[]>();

  function remove(id: string): void {
    const wave = waveOf.get(id) ?? 0;
    missing.get(wave)?.delete(id);
    if ((missing.get(wave)?.size ?? 0) > 0) return;
    for (const open of opening.get(wave) ?? []) open();
    opening.delete(wave);
  }
  return {
    leave: remove,
    arrive: async (id, signal) => {
      const wave = waveOf.get(id) ?? 0;
      await new Promise<void>((resolve) => {
        opening.set(wave, [...(opening.get(wave) ?? []), resolve]);
        signal.addEventListener('abort', () => resolve(), { once: true });
        if (signal.aborted) resolve();
        remove(id);
      });
    },
  };
}
