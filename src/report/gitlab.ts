import type { Writable } from 'node:stream';
import type { Listener } from '../event.ts';
import { neutralise } from '../text.ts';
import { titleWords } from './format.ts';
import type { Target } from './run-report.ts';

/**
 * Adds to a view a section around the command's output that folds in a job's log of GitLab; on stderr, so that stdout stays the
 * command's (https://docs.gitlab.com/ci/jobs/job_logs/#custom-collapsible-sections).
 */
export function createGitlabView(
  { stderr, target }: { readonly stderr: Writable; readonly target: Target },
  view: Listener,
): Listener {
  return (event) => {
    if (event.type === 'phase-started' && event.phase === 'command')
      stderr.write(`${mark('start', event)}guard: Command: ${neutralise(titleWords(target.command), 300)}\n`);
    if (event.type === 'phase-ended' && event.phase === 'command') stderr.write(`${mark('end', event)}\n`);
    return view(event);
  };
}

function mark(edge: 'start' | 'end', { at, run }: { readonly at: number; readonly run: string }): string {
  return `\u001b[0Ksection_${edge}:${Math.floor(at / 1000)}:guard_command_${run}\r\u001b[0K`;
}
