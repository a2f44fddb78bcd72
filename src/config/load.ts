import { ok, type Result } from '../result.ts';
import { emptyConfiguration, type Configuration } from './configuration.ts';
import { findConfiguration, type Search } from './find.ts';
import type { ConfigurationMistake } from './mistake.ts';

/**
 * Finds guard.yaml, reads it and says everything that is wrong with it, in the order of the file. Where there is no file,
 * the configuration is empty, and the libraries that read one are never loaded.
 */
export async function loadConfiguration(
  search: Search,
): Promise<Result<Configuration, readonly ConfigurationMistake[]>> {
  const found = await findConfiguration(search);
  if (!found.ok) return found;
  if (found.value === null) return ok(emptyConfiguration);
  const { parseConfiguration } = await import('./parse.ts');
  return parseConfiguration(found.value);
}
