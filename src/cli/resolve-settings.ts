import { commandCheck } from '../check-default.ts';
import { attendedSettings, defaultSettings } from '../config/defaults.ts';
import { settingsFor, type Flags } from '../config/effective-settings.ts';
import type { Configuration } from '../config/configuration.ts';
import type { Layer } from '../config/layer.ts';
import { loadConfiguration } from '../config/load.ts';
import { refusalOf } from '../config/mistake.ts';
import type { InstanceName } from '../config/instance-name.ts';
import { rolloutTable, type ConfiguredRollout } from '../config/rollout-settings.ts';
import { defaultsOf } from '../config/setting.ts';
import { settingTable, type Settings } from '../config/settings.ts';
import { windowMistakes } from '../config/window.ts';
import type { Outcome } from '../event.ts';
import { requireWindow } from '../health/watch/window.ts';
import { lifecycleCommandTimeoutMs, type LifecycleCommand, type LifecycleCommands } from '../lifecycle-command.ts';
import { err, ok, type Result } from '../result.ts';
import type { Context } from './context.ts';
import type { RolloutOptions } from './rollout-options.ts';
import type { RunOptions } from './run-options.ts';
import { setByOptions } from './setting-option.ts';

/** The settings of one instance: defaults, then guard.yaml, then flags. A mistake in the file is an outcome (78). */
export async function resolveSettings(
  context: Context,
  instance: InstanceName,
  options: RunOptions,
  withTerminal: boolean,
): Promise<Result<Settings, Outcome>> {
  const configuration = await readConfiguration(context, options);
  return configuration.ok ? settingsWith(configuration.value, instance, options, withTerminal) : configuration;
}

/** The guard.yaml of a command line. A mistake in the file is an outcome (78). */
export async function readConfiguration(
  context: Context,
  options: Pick<RunOptions, 'config'>,
): Promise<Result<Configuration, Outcome>> {
  const configuration = await loadConfiguration({
    explicitPath: options.config ?? null,
    environment: context.environment,
    cwd: context.workingDirectory,
  });
  return configuration.ok ? configuration : err({ outcome: 'configuration', refusal: refusalOf(configuration.error) });
}

/** The same with a guard.yaml that was read before: many instances need it read once. */
export function settingsWith(
  configuration: Configuration,
  instance: InstanceName,
  options: RunOptions,
  withTerminal: boolean,
): Result<Settings, Outcome> {
  const base = withTerminal ? attendedSettings : defaultSettings;
  const settings = settingsFor(configuration, instance, flagsOf(options), base);
  const mistakes = windowMistakes(configuration, instance, settings, requireWindow);
  if (mistakes.length === 0) return ok(settings);
  const inFile = mistakes.some((mistake) => mistake.file !== null);
  return err({ outcome: inFile ? 'configuration' : 'usage', refusal: refusalOf(mistakes) });
}

/** How a rollout proceeds: defaults, then guard.yaml, then flags. */
export function configuredRollout(call: {
  readonly configuration: Configuration;
  readonly options: RolloutOptions;
}): ConfiguredRollout {
  return {
    ...defaultsOf(rolloutTable),
    ...call.configuration.rollout,
    ...setByOptions<typeof rolloutTable, Partial<ConfiguredRollout>>(rolloutTable, call.options),
  };
}

function flagsOf(options: RunOptions): Flags {
  return {
    ...setByOptions<typeof settingTable, Layer>(settingTable, options),
    environment: options.env,
    automatic: { compare: comparesOf(options), ask: options.askServers },
    rehearse: options.rehearseCopy === true ? 'copy' : options.rehearse,
    hooks: hooksOf(options),
    checks: (options.check ?? []).map((command) => commandCheck(command, checkTiming(options))),
  };
}

/** `--no-automatic` is a short form of `--automatic=off`. */
function comparesOf({ automatic }: RunOptions): boolean | 'optional' | undefined {
  if (automatic === undefined || automatic === 'optional') return automatic;
  return automatic === 'on';
}

/** The flags' hooks of a moment replace those of the file. */
function hooksOf({
  hook: written = [],
  hookTimeout: timeoutMs = lifecycleCommandTimeoutMs,
}: RunOptions): LifecycleCommands {
  return Object.fromEntries(
    [...new Set(written.map(({ moment }) => moment))].map((moment) => [
      moment,
      written
        .filter((one) => one.moment === moment)
        .map(({ onHost, command }): LifecycleCommand => {
          const common = { command: ['sh', '-c', command] as const, environment: {}, timeoutMs };
          return onHost ? { kind: 'host', ...common } : { kind: 'exec', user: 0, cwd: '/', ...common };
        }),
    ]),
  );
}

function checkTiming(options: RunOptions) {
  return {
    ...(options.checkTimeout === undefined ? {} : { timeoutMs: options.checkTimeout }),
    ...(options.checkInterval === undefined ? {} : { intervalMs: options.checkInterval }),
    ...(options.checkRetries === undefined ? {} : { retries: options.checkRetries }),
    ...(options.checkStartPeriod === undefined ? {} : { startPeriodMs: options.checkStartPeriod }),
  };
}
