import { commandTitle } from './format.ts';
import { codeSpan, plainText, table } from './markdown.ts';
import { describePlanned, describeAdmission, nothingVerified, verifiesNothing, type Preview } from './plan-text.ts';

/** `guard plan --markdown`: for a comment on a pull request. */
export function planMarkdown(preview: Preview): string[] {
  const { plan, packages, verdict, wouldBegin } = preview;
  return [
    `## ${wouldBegin ? '📋' : '⛔'} ${codeSpan(commandTitle({ instance: plan.instance, command: plan.command.words }, 300))}`,
    '',
    plainText(describeAdmission(preview)),
    '',
    ...describePlanned(preview).map((line) => `- ${plainText(line.trim())}`),
    ...(packages === null ? [] : ['', '### Packages', '', ...packageSection(packages)]),
    ...(verdict === null
      ? []
      : ['', ...(verifiesNothing(preview) ? [plainText(`Now: ${nothingVerified}.`)] : verdictSection(verdict))]),
  ];
}

function packageSection(packages: NonNullable<Preview['packages']>): string[] {
  if (!packages.known) return [plainText(packages.message)];
  if (packages.packages.length === 0) return [`${packages.manager} would change no package.`];
  return table(
    ['Package', 'Now', 'Then'],
    packages.packages.map(({ name, from, to }) => [
      codeSpan(name),
      from === null ? '(new)' : codeSpan(from),
      to === null ? '(removed)' : codeSpan(to),
    ]),
  );
}

const marks = { passed: '✅', failed: '❌', unknown: '❔' } as const;

function verdictSection({ verdict, checks, reasons, advisories }: NonNullable<Preview['verdict']>): string[] {
  const rows = checks.map(({ name, status, severity, message }) => [
    codeSpan(name),
    `${marks[status]}${severity === 'advisory' ? ' (advisory)' : ''}`,
    codeSpan(message),
  ]);
  const findings = [...reasons, ...advisories]
    .filter(({ subject }) => !subject.startsWith('check:'))
    .map(({ message, severity }) => `- ${severity === 'required' ? '❌ ' : ''}${plainText(message)}`);
  // A heading with nothing below it is none.
  if (rows.length === 0 && findings.length === 0) return [`Now: ${verdict}.`];
  return [
    `### Now: ${verdict}`,
    '',
    ...table(['Check', 'Answer', 'What it said'], rows),
    ...(rows.length > 0 && findings.length > 0 ? [''] : []),
    ...findings,
  ];
}
