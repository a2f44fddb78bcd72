// What the workflow said, as words for guard.

/** The value of an input of action.yml; empty where it is not set. */
export const inputOf = (environment, name) => (environment[`INPUT_${name.toUpperCase()}`] ?? '').trim();

/** An input with one value a line. */
export const linesOf = (environment, name) =>
  inputOf(environment, name)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

/** guard's own words, then --, then the script. Nothing passes through a shell of the runner. */
export const wordsOf = (environment, more = []) => [
  'run',
  ...['project', 'config', 'wait-lock', 'timeout', 'push-owner'].flatMap((name) => optional(environment, name)),
  ...['push', 'check'].flatMap((name) => linesOf(environment, name).flatMap((line) => [`--${name}`, line])),
  ...reportOf(environment).flatMap((path) => ['--report', `junit=${path}`]),
  ...pageOf(environment).flatMap((path) => ['--report', `html=${path}`]),
  ...more,
  ...linesOf(environment, 'options'),
  ...linesOf(environment, 'instance'),
  '--',
  'sh',
  '-e',
  '-c',
  inputOf(environment, 'run'),
];

/** The report's path, where one is wanted. */
export const reportOf = (environment) => [inputOf(environment, 'report')].filter((path) => path !== '');

/** The path of the HTML page, where one is wanted. */
export const pageOf = (environment) => [inputOf(environment, 'page')].filter((path) => path !== '');

const optional = (environment, name) => {
  const value = inputOf(environment, name);
  return value === '' ? [] : [`--${name}`, value];
};

/** Without the action's own variables, which are none of guard's business. */
export const withoutInputs = (environment) =>
  Object.fromEntries(Object.entries(environment).filter(([name]) => !/^(INPUT|STATE)_/.test(name)));
