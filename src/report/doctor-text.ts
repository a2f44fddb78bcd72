import { worstLevel, type Finding, type Level } from '../doctor/finding.ts';
import { neutralise } from '../text.ts';

/** `guard doctor`: a line that sums up, for monitoring, then one for each finding. */
export function doctorLines(findings: readonly Finding[]): string[] {
  return [`guard doctor: ${summary(findings)}`, ...findings.map(findingLine)];
}

/** The same for `--json`. */
export function doctorReport(findings: readonly Finding[]) {
  return { v: 1, status: worstLevel(findings), findings };
}

function summary(findings: readonly Finding[]): string {
  const counts = (['problem', 'warning'] as const)
    .map((level) => countOf(findings, level))
    .filter((text) => text !== '');
  return counts.length === 0 ? 'ok' : counts.join(', ');
}

function countOf(findings: readonly Finding[], level: Level): string {
  const count = findings.filter((finding) => finding.level === level).length;
  return count === 0 ? '' : `${count} ${level}${count === 1 ? '' : 's'}`;
}

function findingLine({ topic, level, message, advice }: Finding): string {
  const text = advice === null ? message : `${message} ${advice}`;
  return neutralise(`${level.padEnd(7)}  ${topic}: ${text}`, 2000);
}
