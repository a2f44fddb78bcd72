// After the job, also after a cancelled one: finishes what a guard left that was killed.
import { guard } from './guard.mjs';
import { inputOf, linesOf } from './inputs.mjs';

const { env } = process;
if (env.STATE_ended !== 'yes') {
  const project = inputOf(env, 'project');
  for (const instance of linesOf(env, 'instance')) {
    const status = await guard(['recover', ...(project === '' ? [] : ['--project', project]), instance], env);
    if (status !== 0) process.exitCode = status;
  }
}
