// One case: the truth where nobody guards, in a copy; then guard; then whether the service answers.
import { hasBooted, incus, inside, pause, run, within } from './host.mjs';

/** What guard must exit with: a command that failed is 10, whatever its service does. */
const rightStatuses = { healthy: [0], failed: [10], broken: [11, 12] };

/**
 * A case tried: its truth (`healthy`, `broken`, `failed` where the command itself says so), guard's status, whether the
 * service answers at the end, and whether all that is right. Never throws.
 */
export const tryCase = async (one, { name, program, state }) => {
  const copy = `${name}-truth`;
  const remove = () => Promise.all([name, copy].map((each) => run('incus', ['delete', '--force', each])));
  const startedAt = performance.now();
  const took = () => Math.round((performance.now() - startedAt) / 1000);
  await remove();
  try {
    await prepare(name, one);
    await incus('copy', name, copy);
    await incus('start', copy);
    await hasBooted(copy);
    if (!(await answersWell(copy, one))) throw new Error('its copy does not answer before the change');
    const [truth, guarded] = await Promise.all([truthOf(copy, one), guard(name, one, { program, state })]);
    const answers = await answersWell(name, one);
    const right = one.intended ? guarded.status === 0 : rightStatuses[truth].includes(guarded.status) && answers;
    return { one, truth, status: guarded.status, answers, right, said: guarded.stderr, seconds: took() };
  } catch (error) {
    return { one, truth: 'unknown', status: '-', answers: false, right: false, said: String(error), seconds: took() };
  } finally {
    await remove();
  }
};

export const prepare = async (name, one) => {
  await incus('launch', 'guard-debian', name);
  await hasBooted(name);
  const packages = `apt-get update -qq; apt-get install -y -qq --no-install-recommends ${one.install}`;
  const prepared = await inside(name, `(${packages}) && { ${one.configure ?? ':'}; }`);
  if (prepared.status !== 0) throw new Error(`could not be prepared: ${prepared.stderr.slice(-800)}`);
  if (!(await answersWell(name, one))) throw new Error('does not answer before the change');
};

const truthOf = async (name, one) => {
  const { status } = await inside(name, one.change);
  if (status !== 0) return 'failed';
  if (one.restart) {
    await incus('restart', '--force', name);
    await hasBooted(name);
  }
  await pause(one.settleSeconds ?? 0);
  return (await answersWell(name, one)) ? 'healthy' : 'broken';
};

const guard = (name, one, { program, state }) => {
  const flags = one.restart ? ['--restart'] : [];
  const words = [program, ...flags, name, '--', 'sh', '-c', one.change];
  return run(process.execPath, words, { limitSeconds: 1500, env: { GUARD_STATE_DIR: state } });
};

/** Within half a minute, and then three times in a row: what restarts for ever answers now and then. */
const answersWell = (name, one) =>
  within(30, async () => {
    for (let again = 0; again < 3; again += 1) {
      if (!(await answers(name, one))) return false;
      await pause(1);
    }
    return true;
  });

const answers = async (name, { probe }) => {
  if (!probe.includes('{address}')) return (await inside(name, probe, 30)).status === 0;
  const [address = ''] = (await incus('list', `^${name}$`, '-c', '4', '-f', 'csv')).split(' ');
  return (await run('sh', ['-c', probe.replaceAll('{address}', address.trim())], { limitSeconds: 20 })).status === 0;
};
