import type { Writable } from 'node:stream';
import type { Listener } from '../event.ts';
import type { RecordedRolloutEvent } from '../rollout-event.ts';
import type { RolloutSettings } from '../rollout/planner.ts';
import type { MemberRecord, RolloutRecord } from '../rollout/record.ts';
import type { Situation } from './view.ts';

/** Which instance the events and the output of a run are of. */
export type ShownMember = Pick<MemberRecord, 'id' | 'label' | 'remote' | 'project' | 'name'>;

/** Shows one rollout: its own events, and those of the runs on its instances. */
export interface RolloutView {
  readonly onRolloutEvent: (event: RecordedRolloutEvent, after: RolloutRecord) => void | Promise<void>;
  /** Hears the events of one run on this instance. */
  readonly memberListener: (member: ShownMember) => Listener;
  /** Where what the command writes in this instance goes. `end` writes a last line that has no end. */
  readonly memberOutput: (member: ShownMember) => {
    readonly stdout: Writable;
    readonly stderr: Writable;
    readonly end: () => void;
  };
  /** Shows a line that is no event. Nothing else may write to the terminal while the view has it. */
  readonly tell: (line: string) => void;
  /** Resolves when the terminal is free again. */
  readonly close: () => Promise<void>;
}

export interface RolloutSituation extends Situation {
  readonly settings: RolloutSettings;
}
