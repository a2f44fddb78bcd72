import { dirname } from 'node:path';
import { Script } from 'node:vm';

/**
 * Evaluates the bundle of `main.ts` in the single executable: the text of a function as Node makes one of a CommonJS file, in
 * ASCII. `code` is V8's compiled code of this text; V8 ignores it if it was made by another version or with other flags.
 */
export function evaluateProgram(text: Buffer, code: Buffer | null): Script {
  const script = new Script(text.toString('latin1'), {
    filename: 'guard.cjs',
    ...(code === null ? {} : { cachedData: code }),
  });
  const module = { exports: {} };
  const evaluate = script.runInThisContext() as (...of: unknown[]) => void;
  evaluate(require, module, module.exports, process.execPath, dirname(process.execPath));
  return script;
}
