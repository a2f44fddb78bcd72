import { expect, test } from 'vitest';
import { doPage } from './session.ts';

const page = (shown: string): string =>
  `<!-- first\n$ hidden=seen\n-->\n\`\`\`yaml\n# guard.yaml\ndefaults: {}\n\`\`\`\n\`\`\`console\n$ false\n$ echo $? $hidden\n${shown}\n$ cat guard.yaml\n# guard.yaml\ndefaults: {}\n\`\`\`\n`;

test('a page is done in one shell, and its first difference is told', async () => {
  expect((await doPage(page('1 seen'), 10_000)).difference).toBeNull();
  expect((await doPage(page('0 seen'), 10_000)).difference).toEqual({
    line: 10,
    command: 'echo $? $hidden',
    shown: '0 seen',
    printed: '1 seen\n',
  });
});
