import { amount, form, optionIn, orNone, setting, time, wholeNumber, type SettingsOf } from './setting.ts';

const several = optionIn('Several instances');

/** The table of the settings of a rollout: how it changes many instances. Its rows are like those of `settings.ts`. */
export const rolloutTable = {
  maxParallel: setting(
    amount(1),
    { count: 1 },
    {
      writtenDefault: 1,
      description:
        'The maximum number of instances that change at the same time, or a percentage of all instances, rounded down to at least one.',
      examples: ['10%'],
      option: several(
        '--max-parallel <count>',
        'change at most this many instances at the same time, as a number or a percentage like 10%',
      ),
    },
  ),
  canary: setting(wholeNumber({ least: 0, most: 100_000 }), 0, {
    description: 'How many instances change before all others. If one of them fails, the rollout stops.',
    option: several('--canary <count>', 'change this many instances first; if one of them fails, stop the rollout'),
  }),
  pauseMs: setting(time(0), 0, {
    description: 'How long to wait between two waves.',
    option: several('--pause <time>', 'wait this long between two waves'),
  }),
  maxFailures: setting(
    amount(0),
    { count: 0 },
    {
      writtenDefault: 0,
      description:
        'How many failures are allowed, or a percentage of all instances, rounded down. One more stops the rollout.',
      examples: ['5%'],
      option: several(
        '--max-failures <count>',
        'stop the rollout after more failures than this, as a number or a percentage like 10%',
      ),
    },
  ),
  spreadBy: setting(orNone(form('spreadKey')), null, {
    description: 'Two instances with the same location, or the same value of this key, never change at the same time.',
    examples: ['location', 'user.ha-group'],
    option: several(
      '--spread-by <key>',
      'never change two instances at the same time that have the same location, or the same value of a key like user.ha-group',
    ),
  }),
  allOrNothing: setting(form('flag'), false, {
    description: 'If the rollout stops, also roll back the changes that were kept.',
    option: several('--all-or-nothing', 'if the rollout stops, also roll back the instances that were kept'),
  }),
};

/** How a rollout changes many instances, with every default filled in. */
export type ConfiguredRollout = SettingsOf<typeof rolloutTable>;
