import type { Answered } from './platform.ts';

/** One instance as the filters of `incus list` see it. */
export interface InstanceFacts {
  readonly name: string;
  readonly project: string;
  readonly status: string;
  readonly type: 'container' | 'virtual-machine';
  readonly architecture: string;
  /** The cluster member; `none` on a single server. */
  readonly location: string;
  /** The configuration with that of the profiles. */
  readonly expandedConfig: Readonly<Record<string, string>>;
}

/** One of guard's own notes on a project, by a short name, and the project's revision for a compare-and-swap. */
export interface ProjectNote {
  /** Null where it is not set. */
  readonly text: string | null;
  readonly revision: string;
}

/** What a rollout asks of a server besides what a run asks. */
export interface Fleet {
  readonly listInstances: () => Answered<InstanceFacts[]>;
  readonly listProjects: () => Answered<string[]>;
  readonly readProjectNote: (name: string) => Answered<ProjectNote>;
  /** Null removes it. `changed` where the project does not have this revision any more. */
  readonly writeProjectNote: (name: string, text: string | null, revision: string) => Answered<void>;
}
