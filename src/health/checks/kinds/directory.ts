import type { DirectoryCheck, ExecCheck } from '../../../check-definition.ts';
import { err, ok, type Result } from '../../../result.ts';
import { neutralise } from '../../../text.ts';
import { afterColon, answerOfFailure, lastWords, notAsked, type KindAnswer } from '../answer.ts';
import type { KindTools } from './tools.ts';

/** Lists the scripts inside, each as a check of its own named after the folder and the file, in the order of their names. */
export async function listScripts(
  check: DirectoryCheck,
  tools: KindTools,
): Promise<Result<readonly ExecCheck[], KindAnswer>> {
  const answer = await tools.platform.query(tools.instance, {
    command: ['sh', '-c', listing, 'sh', check.path.replace(/\/+$/, '')],
    environment: { LC_ALL: 'C' },
    limitMs: check.timeoutMs,
    maxBytes: mostBytes,
    signal: tools.signal,
    readOnly: true,
  });
  if (!answer.ok) return err(answerOfFailure(answer.error, check.timeoutMs));
  if (answer.value.status === 3) return err(notAsked(`there is no folder required.d or wanted.d in ${check.path}`));
  if (answer.value.status !== 0 || answer.value.truncated)
    return err(notAsked(`${check.path} could not be listed${afterColon(lastWords(answer.value))}`));
  return ok(readListing(check, answer.value.stdout));
}

const mostBytes = 256 * 1024;

// As in greenboot, every *.sh is a check, whether it may be executed or not; other files count when they may.
const listing = String.raw`
[ -d "$1/required.d" ] || [ -d "$1/wanted.d" ] || exit 3
for folder in required.d wanted.d; do
  for script in "$1/$folder"/*; do
    [ -f "$script" ] || continue
    if [ -x "$script" ]; then printf '%s\0%s\0%s\0' "$folder" execute "$script"
    else case $script in *.sh) printf '%s\0%s\0%s\0' "$folder" shell "$script";; esac; fi
  done
done
exit 0
`;

function readListing(check: DirectoryCheck, text: string): ExecCheck[] {
  const fields = text.split('\0');
  const scripts: ExecCheck[] = [];
  for (let index = 0; index + 2 < fields.length; index += 3) {
    const [folder = '', how = '', path = ''] = fields.slice(index, index + 3);
    scripts.push(scriptCheck(check, folder, how, path));
  }
  return scripts;
}

function scriptCheck(check: DirectoryCheck, folder: string, how: string, path: string): ExecCheck {
  return {
    kind: 'exec',
    // The file's name comes from inside, and will be printed.
    name: neutralise(`${check.name}/${folder}${path.slice(path.lastIndexOf('/'))}`, 200),
    severity: folder === 'wanted.d' ? 'advisory' : check.severity,
    timeoutMs: check.timeoutMs,
    intervalMs: check.intervalMs,
    retries: check.retries,
    startPeriodMs: check.startPeriodMs,
    command: how === 'execute' ? [path] : ['sh', '-c', anyShell, 'sh', path],
    environment: {},
    user: 0,
    cwd: '/',
  };
}

/** greenboot's scripts are written for bash. */
const anyShell = 'if command -v bash >/dev/null; then exec bash "$1"; else exec sh "$1"; fi';
