import { expect, test } from 'vitest';
import { pagePathsFrom } from '../../../src/health/resources/reply/page-paths.ts';

const pathsFrom = (...lines: string[]) => pagePathsFrom({ status: 0, lines });

test('paths that clients used come in their order, then configured ones, each once', () => {
  expect(pathsFrom('configured /api/', 'used 9 /api/status', 'used 3 /api/')).toEqual(['/api/status', '/api/']);
});

test.each([
  'used 1 /api/status',
  'used 9 /',
  'used 9 /user/logout',
  'used 9 /api/restart',
  'used 9 /hooks/github',
  'used 9 /static/app.3f2a.js',
  'used 9 /i18n/en_EN.ab12cd3.json',
  'used 9 /hls/s-123.ts',
  'used 9 /api/deleteAll',
  'used 9 /runJob',
  'used 9 /doUpdate',
  'configured /clearCache',
  'configured /reload',
  'used 9 /relay/0',
  'used 9 /download/7f3c2a9be1d04c55a1e2',
  'used 9 /a b',
  'used 9 /$(reboot)',
  'something else',
])('%s is not requested', (line) => {
  expect(pathsFrom(line)).toEqual([]);
});

test.each(['/restaurants', '/api/v1/orders', '/status', '/healthz', '/~anna/', '/shop/list.php'])(
  '%s is requested',
  (path) => {
    expect(pathsFrom(`used 2 ${path}`)).toEqual([path]);
  },
);

test('at most eight', () => {
  expect(pathsFrom(...Array.from({ length: 50 }, (_, index) => `configured /p${index}`))).toHaveLength(8);
});

test('nothing where the section is unusable', () => {
  expect(pagePathsFrom({ status: 1, lines: [] })).toBeNull();
});
