import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { testPage } from './pages.ts';
import { project } from './session.ts';

const howTo = (await readdir(join(project, 'docs/how-to'))).toSorted();

for (const page of ['README.md', 'docs/tutorial.md', ...howTo.map((name) => `docs/how-to/${name}`)])
  testPage(page, 400_000);
