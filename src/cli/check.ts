import type { Command } from 'commander';
import type { VerdictKind } from '../event.ts';
import { takeBaseline } from '../health/baseline.ts';
import { coverageOf } from '../health/coverage.ts';
import { judgeAlone } from '../health/verdict.ts';
import { observationLines, seenOf } from '../report/observation-text.ts';
import { verdictLines } from '../report/verdict-text.ts';
import { wrapped } from '../report/wrap.ts';
import { writeLines } from '../report/write.ts';
import type { Call } from './call.ts';
import { addCheckOptions, addCommonOptions, type RunOptions } from './run-options.ts';
import { refuseUselessOptions } from './useless-options.ts';
import { withExisting } from './session.ts';

/** As far from a run's exit statuses as monitoring's own words: not 2, which shells use for their own mistakes. */
const statuses: Readonly<Record<VerdictKind, number>> = { healthy: 0, unhealthy: 1, inconclusive: 3 };

const help = `
Exit status:
    0  healthy
    1  unhealthy
    3  inconclusive: the state could not be determined
   30  the instance does not exist, or the server could not be reached
   64  the command line is wrong
   78  guard.yaml is wrong`;

/** `guard check`: what guard sees, and the checks, now. */
export function defineCheck(program: Command, call: Call): void {
  const command = program
    .command('check')
    .description('show what guard sees of the instance now, and run the checks; changes nothing')
    .argument('<instance>', 'name or remote:name')
    .addHelpText('after', help);
  addCommonOptions(addCheckOptions(command)).action(async (instance: string, options: RunOptions) => {
    refuseUselessOptions(options);
    const { context } = call;
    const status = await withExisting(context, { instance, options, withTerminal: false }, async (session) => {
      const { platform, instance: name } = session.reached;
      const { checks, automatic: wanted } = session.settings;
      const automatic = wanted.compare !== false;
      const look = await takeBaseline(
        { platform, instance: name, clock: context.clock, signal: context.interrupter.signal },
        { definitions: checks, automatic, askServers: wanted.ask, readOnly: true },
      );
      const verdict = judgeAlone(look, { automatic });
      const coverage = automatic ? coverageOf(look.facts) : null;
      const seen = look.facts === null ? null : seenOf(look.facts);
      await writeLines(
        context.stdout,
        options.json
          ? [JSON.stringify({ ...verdict, coverage, seen })]
          : [
              ...verdictLines(name, verdict),
              ...(coverage === null || look.state.kind === 'not-running' ? [] : observationLines(look.facts, coverage)),
            ].flatMap((line) => wrapped(line, context.stdout.columns)),
      );
      return statuses[verdict.verdict];
    });
    call.exit(status);
  });
}
