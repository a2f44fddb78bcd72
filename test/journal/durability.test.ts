import { once } from 'node:events';
import { chmod, mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { openJournal } from '../../src/journal/journal.ts';
import { openRolloutJournal, readRolloutEvents } from '../../src/journal/rollouts.ts';
import { readRun } from '../../src/journal/runs.ts';
import { ended, recorded, sampleRun } from './samples.ts';
import { temporaryFolder } from './temporary.ts';

const writerIn = async (folder: string): Promise<string> => {
  const outfile = join(folder, 'writer.cjs');
  await build({ entryPoints: [join(import.meta.dirname, 'writer.ts')], outfile, bundle: true, platform: 'node' });
  return outfile;
};

const timesIn = async (state: string): Promise<number[]> => {
  const events = (await readRun(state, sampleRun))?.events ?? [];
  return events.map((event) => event.at - (events[0]?.at ?? 0));
};

test('what was said to be written is there after kill -9 (F12)', async () => {
  const folder = await temporaryFolder();
  const writer = execa(process.execPath, [await writerIn(folder), folder], { reject: false });
  let said = '';
  writer.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
    if (said.includes('written 50\n')) writer.kill('SIGKILL');
  });
  expect((await writer).signal).toBe('SIGKILL');
  const promised = said.match(/written \d+\n/g)?.length ?? 0;
  const kept = await timesIn(folder);
  expect(kept.length).toBeGreaterThanOrEqual(promised);
  expect(kept).toEqual(kept.map((_, at) => at));
});

test('a disk that is full in the middle of a line is a failure in words, and the record goes on when there is room', async () => {
  const folder = await temporaryFolder();
  // The limit on a file's size cuts a write like a full disk does: a part of it is done, then it fails.
  const limited = 'trap "" XFSZ; ulimit -f 5; exec "$0" "$@"';
  const { stdout } = await execa('bash', ['-c', limited, process.execPath, await writerIn(folder), folder], {
    stdin: 'ignore',
  });
  const written = stdout.match(/written/g)?.length ?? 0;
  expect(stdout).toMatch(/^failed: ".*journal\.jsonl": the file would be larger than is allowed \(EFBIG\)\.$/m);
  expect(await timesIn(folder)).toHaveLength(written);
  expect(await readRun(folder, sampleRun)).toMatchObject({ damaged: false });
  // Nothing is cut off, because another process may just have added a line there.
  expect((await stat(join(folder, 'runs', sampleRun, 'journal.jsonl'))).size).toBe(5 * 1024);

  const journal = await openJournal({ stateDirectory: folder, run: sampleRun });
  expect(journal.ok && (await journal.value.append(recorded(ended({ outcome: 'kept' }))))).toMatchObject({ ok: true });
  expect(await readRun(folder, sampleRun)).toMatchObject({ ended: { outcome: { outcome: 'kept' } } });
});

test('a disk that is full in the middle of a line costs no other line of several writers', async () => {
  const folder = await temporaryFolder();
  const limited = 'trap "" XFSZ; ulimit -f 5; exec "$0" "$@"';
  const writer = execa('bash', ['-c', limited, process.execPath, await writerIn(folder), folder, 'waiting'], {
    stdin: 'pipe',
  });
  await once(writer.stdout, 'data');
  const other = await openJournal({ stateDirectory: folder, run: sampleRun });
  if (!other.ok) throw new Error(other.error);
  for (let at = 0; at < 10; at += 1)
    await other.value.append(recorded({ type: 'notice', level: 'info', message: `${at}` }));
  await other.value.close();
  writer.stdin.end();
  const { stdout } = await writer;
  expect(stdout).toContain('failed:');
  const events = (await readRun(folder, sampleRun))?.events ?? [];
  expect(events).toHaveLength(10 + (stdout.match(/written/g)?.length ?? 0));
  expect(await readRun(folder, sampleRun)).toMatchObject({ damaged: false });
});

test('the same for the record of a rollout', async () => {
  const folder = await temporaryFolder();
  const limited = 'trap "" XFSZ; ulimit -f 5; exec "$0" "$@"';
  const { stdout } = await execa('bash', ['-c', limited, process.execPath, await writerIn(folder), folder, 'rollout']);
  const written = [...stdout.matchAll(/written (\d+)/g)].map(([, at]) => Number(at));
  expect(stdout).toMatch(/^failed: ".*": the file would be larger than is allowed \(EFBIG\)\.$/m);
  const journal = await openRolloutJournal(folder, sampleRun);
  const ending = { v: 1, rollout: sampleRun, at: -1, type: 'wave-pause', ms: 1 } as const;
  expect(journal.ok && (await journal.value.append(ending))).toMatchObject({ ok: true });
  expect(readRolloutEvents(folder, sampleRun).map(({ at }) => at)).toEqual([...written, -1]);
});

test('a folder that may not be written to is a failure in words', async () => {
  const folder = await temporaryFolder();
  await chmod(folder, 0o755);
  const state = join(folder, 'state');
  await mkdir(state, { mode: 0o555 });
  const writer = await writerIn(folder);
  await chmod(writer, 0o755);
  // Root may write anywhere, so that somebody else has to try.
  const somebody = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
  const { stdout } = await execa(process.execPath, [writer, state], { ...somebody, env: { HOME: folder } });
  expect(stdout).toMatch(/^cannot open: ".*": that is not permitted \(EACCES\)\.$/);
});
