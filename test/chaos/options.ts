import { writeFile } from 'node:fs/promises';

/** What the commands of this folder are told to try. */
export interface Choice {
  readonly seed: number;
  /** Indexes of the runs of that seed. */
  readonly indexes: readonly number[];
  readonly say: (line: string) => void;
}

/** The options that all of them have, for `parseArgs`. */
export const commonOptions = {
  runs: { type: 'string', default: '50' },
  seed: { type: 'string', default: '1' },
  /** The index of the first run: continues what was cut off. */
  from: { type: 'string', default: '0' },
  only: { type: 'string' },
} as const;

export const choiceOf = (values: {
  readonly runs: string;
  readonly seed: string;
  readonly from: string;
  readonly only?: string | undefined;
}): Choice => ({
  seed: Number(values.seed),
  indexes:
    values.only === undefined
      ? Array.from({ length: Number(values.runs) }, (_, run) => Number(values.from) + run)
      : [Number(values.only)],
  say: (line) => void process.stdout.write(`${line}\n`),
});

/** Prints the table at the end, and writes it to the file of `--table`. */
export const showTable = async (
  table: readonly string[],
  file: string | undefined,
  { say }: Pick<Choice, 'say'>,
): Promise<void> => {
  for (const line of ['', ...table]) say(line);
  if (file !== undefined) await writeFile(file, `${table.join('\n')}\n`);
};
