import type { SystemdCheck } from '../../../check-definition.ts';
import { afterColon, answerOfFailure, failed, lastWords, notAsked, passed, type KindAnswer } from '../answer.ts';
import { mostOutputBytes } from './exec.ts';
import type { KindTools } from './tools.ts';

/** Asks systemd inside for the unit's states, and compares whole words. */
export async function askSystemd(check: SystemdCheck, tools: KindTools): Promise<KindAnswer> {
  const answer = await tools.platform.query(tools.instance, {
    command: ['systemctl', 'show', '--no-pager', `--property=${properties.join(',')}`, '--', unitName(check.unit)],
    environment: { LC_ALL: 'C' },
    limitMs: check.timeoutMs,
    maxBytes: mostOutputBytes,
    readOnly: true,
    signal: tools.signal,
  });
  if (!answer.ok) return answerOfFailure(answer.error, check.timeoutMs);
  const unit = readProperties(answer.value.stdout);
  if (answer.value.status !== 0 || unit['ActiveState'] === undefined)
    return notAsked(`systemctl exited with status ${answer.value.status}${afterColon(lastWords(answer.value))}`);
  return judged(check, unit);
}

const properties = ['Id', 'LoadState', 'ActiveState', 'SubState', 'Result', 'NRestarts', 'ExecMainStatus'] as const;

type Properties = Partial<Record<(typeof properties)[number], string>>;

/** systemctl itself adds `.service` to a bare name, but not to one with an unknown suffix such as `web.example`. */
function unitName(unit: string): string {
  return unitSuffix.test(unit) ? unit : `${unit}.service`;
}

const unitSuffix = /\.(service|socket|target|mount|automount|swap|timer|path|slice|scope|device)$/;

function readProperties(text: string): Properties {
  const read: Properties = {};
  for (const line of text.split('\n')) {
    const name = properties.find((property) => line.startsWith(`${property}=`));
    if (name) read[name] = line.slice(name.length + 1);
  }
  return read;
}

function judged(check: SystemdCheck, unit: Properties): KindAnswer {
  const { ActiveState: active = '', SubState: sub = '', LoadState: load = '' } = unit;
  if (load === 'not-found') return failed(`there is no unit ${unitName(check.unit)}`);
  const message = `${unit.Id ?? check.unit} is ${active} (${sub})`;
  if (check.active.includes(active) && (check.sub === null || check.sub.includes(sub))) return passed(message);
  return failed(`${message}${reason(unit)}`);
}

function reason(unit: Properties): string {
  const parts: string[] = [];
  if (unit.Result !== undefined && unit.Result !== '' && unit.Result !== 'success') parts.push(unit.Result);
  if (unit.ExecMainStatus !== undefined && !['', '0'].includes(unit.ExecMainStatus))
    parts.push(`status ${unit.ExecMainStatus}`);
  if (unit.NRestarts !== undefined && !['', '0'].includes(unit.NRestarts)) parts.push(`${unit.NRestarts} restarts`);
  return afterColon(parts.join(', '));
}
