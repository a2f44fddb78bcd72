import * as z from 'zod/mini';
import { fileSchema } from './schema.ts';

/** The schema of guard.yaml for editors, as JSON Schema draft 7, which all of them know: schema/guard.schema.json. */
export function jsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(fileSchema, {
    target: 'draft-7',
    io: 'input',
    override: ({ zodSchema, jsonSchema }) => {
      // What stands in the file is documented, not what becomes of it: zod leaves these out where a value is changed.
      const meta = z.globalRegistry.get(zodSchema);
      if (meta?.['default'] !== undefined) jsonSchema.default = meta['default'];
      if (meta?.['examples'] !== undefined) jsonSchema.examples = meta['examples'] as unknown[];
    },
  });
}
