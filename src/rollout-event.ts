import type { Holder, Outcome } from './event.ts';
import type { InstanceAddress } from './instance-address.ts';

/** What happens in a rollout: kept in its journal, and written by `--json` between the events of its runs. */
export type RolloutEvent =
  | RolloutStarted
  /** A person, or another host, goes on with it. */
  | {
      readonly type: 'rollout-resumed';
      readonly holder: Holder;
      readonly members: readonly RolloutMember[];
      /** Failures that were seen, and count no more. */
      readonly accepted: readonly string[];
      /** It is only taken up to be ended. */
      readonly aborts?: true;
      /** It goes on with rolling back what it had kept. */
      readonly goesBack?: true;
    }
  /** The projects, by the id of their store, whose record has the rollout from now on. */
  | { readonly type: 'rollout-claimed'; readonly stores: readonly string[] }
  /** This host goes on with a rollout of another one, as its record on the server has it. */
  | { readonly type: 'rollout-imported'; readonly record: object }
  /** The change is about to begin on an instance: durable before its run begins. */
  | { readonly type: 'member-begun'; readonly id: string; readonly run: string }
  /** Its change is healthy and waits for a confirmation until the deadline, in milliseconds since 1970. */
  | { readonly type: 'member-waiting'; readonly id: string; readonly run: string; readonly deadline: number }
  /** Its run is over. */
  | {
      readonly type: 'member-ended';
      readonly id: string;
      readonly run: string;
      readonly state: MemberEndState;
      readonly outcome: Outcome['outcome'] | null;
      /** One sentence: why it is not kept; empty where it is. */
      readonly message: string;
      readonly ms: number;
    }
  /** A kept change is about to be rolled back, because the rollout stopped. */
  | { readonly type: 'revert-begun'; readonly id: string; readonly run: string }
  | {
      readonly type: 'revert-ended';
      readonly id: string;
      readonly run: string;
      readonly state: 'reverted' | 'revert-failed';
      readonly outcome: Outcome['outcome'];
      readonly message: string;
      /** What was written in the instance in this time is lost, in milliseconds; null where it was not rolled back. */
      readonly lostMs: number | null;
    }
  /** The pause between two waves. */
  | { readonly type: 'wave-pause'; readonly ms: number }
  | {
      readonly type: 'rollout-ended';
      /** Why it ended early; null where every instance had its turn. */
      readonly stop: RolloutStop | null;
      /** It was interrupted while kept changes were to be rolled back. */
      readonly goesBack?: true;
      readonly exitStatus: number;
      readonly ms: number;
    };

export interface RolloutStarted {
  readonly type: 'rollout-started';
  readonly version: string;
  readonly command: readonly string[];
  /** The options of the command line, one a word, so that a resume can read them again. */
  readonly options: readonly string[];
  readonly members: readonly RolloutMember[];
  readonly holder: Holder;
}

/** One instance of a rollout. */
export interface RolloutMember extends InstanceAddress {
  readonly id: string;
  /** How the instance is called in this rollout: as short as it is unique. */
  readonly label: string;
  readonly group: string | null;
  /** From 1; 0 where it had its turn before a resume. */
  readonly wave: number;
  readonly canary: boolean;
}

/** How an instance's run ended, for the rollout. */
export type MemberEndState = 'kept' | 'failed' | 'broken' | 'inconclusive' | 'unconfirmed' | 'skipped' | 'pending';

/** Why a rollout ended early. */
export type RolloutStop =
  | 'broken'
  | 'not-confirmed'
  | 'canary'
  | 'failures'
  | 'inconclusive'
  | 'interrupted'
  | 'aborted'
  | 'taken-over'
  | 'internal-error';

/** An event with its place in time and its rollout. */
export type RecordedRolloutEvent = RolloutEvent & { readonly v: 1; readonly rollout: string; readonly at: number };
