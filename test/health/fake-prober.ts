import type { Clock } from '../../src/clock.ts';
import type { CheckStatus } from '../../src/event.ts';
import type { Prober } from '../../src/health/prober.ts';
import type { InstanceObservation } from '../../src/health/observation.ts';
import { facts } from './example-facts.ts';
import { resultOf } from './samples.ts';

/** What is true inside, as a story: milliseconds since it began → what is seen. */
export interface Story {
  readonly facts?: (ms: number) => InstanceObservation['facts'];
  readonly state?: (ms: number) => InstanceObservation['state'];
  /** The answers of each check, by its name. */
  readonly checks?: Readonly<Record<string, (ms: number) => CheckStatus>>;
  /** How long each look takes. */
  readonly lookMs?: number;
  readonly checkMs?: number;
}

export interface FakeAsker extends Prober {
  /** When each look began. */
  readonly looks: number[];
  /** When each check was asked. */
  readonly asked: Record<string, number[]>;
}

/** Answers from a story that begins now. */
export const fakeProber = (clock: Clock, story: Story): FakeAsker => {
  const began = clock.monotonic();
  const elapsed = (): number => clock.monotonic() - began;
  const looks: number[] = [];
  const asked: Record<string, number[]> = {};
  return {
    looks,
    asked,
    look: async () => {
      looks.push(elapsed());
      await clock.sleep(story.lookMs ?? 50);
      const state = story.state?.(elapsed()) ?? { kind: 'reachable' };
      const seen = story.facts ? story.facts(elapsed()) : facts();
      return { state, facts: state.kind === 'reachable' ? seen : null, factsSay: null };
    },
    check: async (definition) => {
      (asked[definition.name] ??= []).push(elapsed());
      const at = elapsed();
      await clock.sleep(story.checkMs ?? 20);
      const answer = story.checks?.[definition.name]?.(at) ?? 'passed';
      return [resultOf(definition.name, answer, { severity: definition.severity, ms: story.checkMs ?? 20 })];
    },
  };
};
