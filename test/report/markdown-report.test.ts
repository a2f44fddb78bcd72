import { describe, expect, test } from 'vitest';
import { codeBlock, codeSpan, plainText, table } from '../../src/report/markdown.ts';
import { markdownOf } from '../../src/report/markdown-report.ts';
import { createRunReportBuilder } from '../../src/report/run-report.ts';
import { check, started, verdict } from './example-events.ts';
import { ended, eventsOfOutcomes, storyOf, target } from './example-reports.ts';

test('a rolled-back run, whole', () => {
  expect(markdownOf([storyOf(eventsOfOutcomes['rolled-back'])])).toMatchInlineSnapshot(`
    "## ↩️ \`guard web -- apt upgrade\`

    **rolled back**: the instance was not healthy after the command. web is back and healthy. (exit status 11)

    \`\`\`text
      ✖ web said no: exit status 1
      ✖ pdns.service was running, has failed
      ✖ pdns.service was running, has failed again
      evidence: 1 file, listed by guard show 20261123-070945-z8mf
      record: guard show 20261123-070945-z8mf
    \`\`\`

    | Check | After | After the rollback | What it said |
    | --- | --- | --- | --- |
    | \`web\` | ❌ failed | ✅ passed | \`exit status 1\` |

    | Phase | Result | Took |
    | --- | --- | --- |
    | Inspect | \`done\` | 40 ms |
    | Command | \`done\` | 40 ms |
    | Verify | ❌ \`not done\` | 40 ms |
    | Restore | \`done\` | 40 ms |
    "
  `);
});

test.each(Object.entries(eventsOfOutcomes))(
  '%s has the mark of success only if it is kept, or passed its rehearsal',
  (name, events) => {
    expect(markdownOf([storyOf(events)]).includes('## ✅')).toBe(name === 'kept' || name === 'rehearsal-passed');
  },
);

test('a guard that was killed, and a turn that did not come, are no success', () => {
  const killed = markdownOf([storyOf(eventsOfOutcomes.kept.slice(0, 4))]);
  expect(killed).toContain('**Not ended**');
  expect(killed).toContain('guard recover web');
  expect(markdownOf([createRunReportBuilder(target).report()])).toContain('**Not started**');
});

describe('what comes from elsewhere', () => {
  test('cannot leave its code', () => {
    expect(codeSpan('a`b``c')).toBe('```a`b``c```');
    expect(codeSpan('`')).toBe('`` ` ``');
    expect(codeBlock(['```', '</details>'])).toEqual(['````text', '```', '</details>', '````']);
  });

  test('cannot make a cell, markup, HTML or a mention', () => {
    expect(table(['a'], [[codeSpan('x | y')]])).toEqual(['| a |', '| --- |', '| `x \\| y` |']);
    expect(plainText('<b>*x* @all [a](b)\n')).toBe('\\<b\\>\\*x\\* @<!-- -->all \\[a\\](b)\\\\x0a');
  });

  test('keeps a table a table', () => {
    const hostile = '| </td> `x` \n## kept @everyone';
    const document = markdownOf([
      storyOf([
        started(),
        verdict('unhealthy', false, { checks: [{ ...check(hostile, 'failed'), message: hostile }] }),
        ended({ outcome: 'refused', refusal: { message: hostile, advice: hostile } }),
      ]),
    ]);
    const rows = document.split('\n').filter((line) => line.startsWith('|') && line.includes('failed'));
    expect(rows).toHaveLength(1);
    expect(rows[0]?.replaceAll('\\|', '').match(/\|/g)).toHaveLength(4);
    expect(document.replace(/^```text$[^]*?^```$/gm, '')).not.toMatch(/^## kept/m);
  });
});

test('several instances begin with a table of them', () => {
  const waiting = createRunReportBuilder({ instance: 'web-2', command: ['apt', 'upgrade'] }).report();
  const text = markdownOf([storyOf(eventsOfOutcomes['rolled-back']), waiting]);
  expect(text.split('\n').slice(0, 4)).toEqual([
    '| Instance | Outcome | Took |',
    '| --- | --- | --- |',
    expect.stringMatching(/^\| `web` \| ↩️ rolled-back \| .+ \|$/) as string,
    '| `web-2` | ⏸️ not started |  |',
  ]);
});
