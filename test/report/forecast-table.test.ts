import { expect, test } from 'vitest';
import { forecastSummary, forecastTable, type Forecast } from '../../src/report/forecast-table.ts';
import { commandEnded, recorded, started, verdict, finding } from './example-events.ts';
import { eventsOfOutcomes } from './example-reports.ts';

const forecast = (
  instance: string,
  name: 'rehearsal-passed' | 'rehearsal-failed' | 'rehearsal-inconclusive',
): Forecast => {
  const events = recorded(...eventsOfOutcomes[name]);
  const last = events.at(-1);
  if (last?.type !== 'run-ended') throw new Error('the example has no end');
  return { instance, outcome: last.outcome, events };
};

test('the table begins with what would break', () => {
  const all = [
    forecast('mail', 'rehearsal-passed'),
    forecast('web', 'rehearsal-inconclusive'),
    forecast('dns', 'rehearsal-failed'),
  ];
  expect(forecastTable(all)).toMatchInlineSnapshot(`
    "INSTANCE  FORECAST                EXIT  WHY
    web       rehearsal inconclusive  34    No space.
    dns       rehearsal failed        33    after a restart: pdns.service was running, has failed
    mail      rehearsal passed        0     its packages are not known"
  `);
});

test('a command that failed is told by its status, and a narrow screen cuts the line', () => {
  const events = recorded(started(), commandEnded({ kind: 'exited', status: 100 }));
  const outcome = { outcome: 'rehearsal-failed', cause: 'command', stage: 'change' } as const;
  const table = forecastTable([{ instance: 'web', outcome, events }], { columns: 40 });
  expect(table.split('\n').every((line) => line.length <= 40)).toBe(true);
  expect(forecastSummary({ instance: 'web', outcome, events }).why).toEqual(['the upgrade ended with exit status 100']);
});

test.each([
  [0, 'nothing pending'],
  [1, '1 package'],
  [2, '2 packages'],
])('%i packages that the upgrade changed are %s', (count, why) => {
  const packages = Array.from({ length: count }, (_, at) => ({ name: `p${at}`, from: '1', to: '2' }));
  const outcome = { outcome: 'rehearsal-passed' } as const;
  const none = { appeared: [], gone: [] };
  const events = recorded(started(), { type: 'changes', changes: { packages, units: none, sockets: none } });
  expect(forecastTable([{ instance: 'web', outcome, events }])).toMatch(new RegExp(` 0 +${why}$`));
});

test('names from instances cannot move the cursor', () => {
  const events = recorded(started(), verdict('unhealthy', false, { reasons: [finding('\u001B[2Jbad')] }));
  const outcome = { outcome: 'rehearsal-failed', cause: 'unhealthy', stage: 'change' } as const;
  expect(forecastTable([{ instance: 'a\u001B[H', outcome, events }])).not.toContain('\u001B');
});
