/** What this guard was built from. */
export interface BuildInfo {
  /** Of package.json, the only place that has it. */
  readonly version: string;
  /** Abbreviated; with `+` where files differed from it; `unknown` outside of a repository. */
  readonly commit: string;
}

/** What `guard --version` prints: the version is the second word. */
export function versionLine({ version, commit }: BuildInfo, node: string): string {
  return `guard ${version} (commit ${commit}, Node ${node})`;
}
