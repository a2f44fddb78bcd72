import { isIdle } from '../ready.ts';
import readinessScript from '../../guest/readiness.sh?raw';
import { readReadiness } from '../ready-probe.ts';
import type { Section } from './sections.ts';

/** The first part of an observation: with it a run can take its restore point while the rest is still gathered. */
export interface Preflight {
  /** Neither a boot nor a package manager is active inside. */
  readonly idle: boolean;
  /** The program that was asked for is in one of the folders where everybody's programs are, or at its whole path. */
  readonly found: boolean;
}

/** Lines of POSIX sh that define the preflight of an observation. The program that is looked for is the shell's first argument. */
export const preflightLines = `
wanted=$1
preflight() {
  section ready ready
  section found found
}
ready() (${readinessScript})
found() {
  case $wanted in
    /*) [ -f "$wanted" ] && [ -x "$wanted" ]; return ;;
    */*) return 1 ;;
  esac
  for folder in /usr/local/sbin /usr/local/bin /usr/sbin /usr/bin /sbin /bin; do
    [ -f "$folder/$wanted" ] && [ -x "$folder/$wanted" ] && return
  done
  return 1
}`;

/** The same for an observation without a preflight. */
export const noPreflight = 'preflight() { :; }';

/** Null as long as it is not there as a whole. */
export function preflightFrom(sections: ReadonlyMap<string, Section>): Preflight | null {
  const ready = sections.get('ready');
  const found = sections.get('found');
  if (ready === undefined || found === undefined) return null;
  return {
    idle: ready.status === 0 && isIdle(readReadiness(ready.lines.join('\n'))),
    found: found.status === 0,
  };
}
