import { nearest } from '../text.ts';
import { commandNames } from './command-names.ts';

/** Words that people type because another tool has them, and what they are called here. */
const synonyms: Readonly<Record<string, string>> = {
  undo: 'guard rollback <instance>',
  revert: 'guard rollback <instance>',
  restore: 'guard rollback <instance>',
  back: 'guard rollback <instance>',
  redo: 'guard rollback <instance> --redo',
  status: 'guard runs (what happened), or guard check <instance> (how it is now)',
  health: 'guard check <instance>',
  verify: 'guard check <instance>',
  list: 'guard runs (past runs), or guard points (restore points)',
  ls: 'guard runs (past runs), or guard points (restore points)',
  history: 'guard runs',
  log: 'guard runs, or guard show <run>',
  logs: 'guard runs, or guard show <run>',
  snapshots: 'guard points',
  snapshot: 'guard <instance> -- <command>, which takes a restore point first',
  exec: 'guard <instance> -- <command>',
  try: 'guard <instance> -- <command>',
  preview: 'guard plan <instance> -- <command>',
  'dry-run': 'guard plan <instance> -- <command>',
  clean: 'guard prune',
  cleanup: 'guard prune',
  diff: 'guard show <run> --changes',
  changes: 'guard show <run> --changes',
  info: 'guard check <instance> (an instance), or guard show <run> (a run)',
  ps: 'guard runs',
  rm: 'guard prune (restore points), or guard forget <run> (a record)',
  upgrade: 'guard <instance> -- apt upgrade',
  update: 'guard <instance> -- apt update',
  install: 'guard <instance> -- apt install <package>',
  apt: 'guard <instance> -- apt upgrade',
  'apt-get': 'guard <instance> -- apt-get upgrade',
  test: 'guard check <instance>',
  delete: 'guard prune (restore points), or guard forget <run> (a record)',
  remove: 'guard prune (restore points), or guard forget <run> (a record)',
  resume: 'guard recover',
  repair: 'guard recover',
  fix: 'guard recover',
  config: 'guard init <instance> writes a guard.yaml to start from',
};

export function isSynonym(word: string): boolean {
  return Object.hasOwn(synonyms, word);
}

/** Whether the word means what guard does without a subcommand. */
export function runsCommand(word: string): boolean {
  return isSynonym(word) && synonyms[word] === 'guard <instance> -- <command>';
}

/** The right word for one that is no command; null where none comes near. */
function meantBy(word: string): string | null {
  const synonym = Object.hasOwn(synonyms, word) ? synonyms[word] : undefined;
  if (synonym !== undefined) return synonym;
  const near = nearest(word, commandNames);
  return near === null ? null : `guard ${near}`;
}

export function adviceForWord(word: string): string {
  const meant = meantBy(word);
  return meant === null ? 'See `guard --help`.' : `Did you mean: ${meant}?`;
}
