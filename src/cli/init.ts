import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { gatherFacts } from '../health/gather.ts';
import { describeFailure } from '../platform/failure.ts';
import { tryFiles } from '../journal/file-failure.ts';
import { writeLines } from '../report/write.ts';
import type { InstanceConnection } from '../platform/incus/remote/reach.ts';
import { settingsFor } from '../config/effective-settings.ts';
import { takeBaseline } from '../health/baseline.ts';
import type { Call } from './call.ts';
import type { Context } from './context.ts';
import { reportOutcome } from './report-outcome.ts';
import { addCommonOptions, type CommonOptions } from './run-options.ts';
import { withExisting } from './session.ts';
import { UsageMistake } from './usage.ts';

const observationLimitMs = 30_000;

/** `guard init`: a commented guard.yaml from what the instance does now. */
export function defineInit(program: Command, call: Call): void {
  const command = program
    .command('init')
    .description('write a guard.yaml for the instance, with checks that pass now')
    .argument('<instance>', 'name or remote:name')
    .option('-o, --output <file>', 'write it to this file, which must not exist (default: stdout)')
    .addHelpText(
      'after',
      '\nExit status:\n    0  written\n   30  the instance could not be inspected\n   64  the file exists already',
    );
  addCommonOptions(command).action(async (instance: string, options: CommonOptions & { readonly output?: string }) => {
    const { context } = call;
    const status = await withExisting(context, { instance, options, withTerminal: false }, async ({ reached }) => {
      const facts = await gatherFacts({
        platform: reached.platform,
        instance: reached.instance,
        limitMs: observationLimitMs,
      });
      if (!facts.ok) {
        const message = facts.error.kind === 'unreadable' ? facts.error.message : describeFailure(facts.error);
        return reportOutcome(context, false, {
          outcome: 'refused',
          refusal: { message, advice: 'Start the instance: guard init inspects it from inside.' },
        });
      }
      const { commentedConfiguration, trialConfiguration } = await import('../config/init.ts');
      const sockets = (facts.value.sockets ?? []).map(({ protocol, address, port, owner }) => ({
        protocol,
        address,
        port,
        process: owner?.process ?? null,
      }));
      const passing = await passingChecks(context, reached, trialConfiguration(sockets));
      const running = Object.values(facts.value.units ?? {}).filter((unit) => unit.active === 'active');
      const text = commentedConfiguration({
        instance,
        schema: null,
        units: running.map((unit) => unit.id).filter((id) => id.endsWith('.service')),
        sockets,
        passing,
      });
      if (options.output === undefined) await writeLines(context.stdout, [text.trimEnd()]);
      else await writeNew(options.output, text);
      return 0;
    });
    call.exit(status);
  });
}

/** The names of the suggested checks that pass, each asked once. */
async function passingChecks(
  context: Context,
  { platform, instance, remote }: InstanceConnection,
  trial: string,
): Promise<ReadonlySet<string>> {
  const { parseConfiguration } = await import('../config/parse.ts');
  const configuration = parseConfiguration({ path: 'guard.yaml', bytes: Buffer.from(trial) });
  if (!configuration.ok) return new Set();
  const { checks } = settingsFor(configuration.value, { name: instance, remote });
  const { checks: results } = await takeBaseline(
    { platform, instance, clock: context.clock, signal: context.interrupter.signal },
    { definitions: checks.map((check) => ({ ...check, retries: 1 })), automatic: false },
  );
  return new Set(results.flatMap(({ name, status }) => (status === 'passed' ? [name] : [])));
}

async function writeNew(path: string, text: string): Promise<void> {
  if (existsSync(path))
    throw new UsageMistake(
      `"${path}" exists already, and guard init does not overwrite it.`,
      'Name a new file in an existing folder.',
    );
  const written = await tryFiles(path, () => writeFile(path, text, { flag: 'wx' }));
  if (!written.ok)
    throw new UsageMistake(`The file cannot be written: ${written.error}`, 'Name a new file in an existing folder.');
}
