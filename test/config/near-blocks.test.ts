import { expect, test } from 'vitest';
import { nearBlocks } from '../../src/config/near-blocks.ts';
import { read } from './read.ts';

const configuration = read('instances: { wbe: {}, web: {}, "web-*": {}, prod:webb: {}, database: {} }');

test.each([
  ['web', ['wbe', 'prod:webb']],
  ['database1', ['database']],
  ['mail', []],
])('%s', (name, near) => {
  expect(nearBlocks(configuration, { name, remote: null }).toSorted()).toEqual(near.toSorted());
});
