import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import type { RecordedEvent } from '../../../src/event.ts';
import { openIncusPlatform } from '../../../src/platform/incus/incus.ts';
import { err, ok, type Result } from '../../../src/result.ts';
import { saveEvidence, type EvidenceSubject } from '../../../src/run/evidence/evidence.ts';
import { createRecorder } from '../../../src/run/recorder.ts';
import { facts } from '../../health/example-facts.ts';
import { temporaryFolder } from '../../journal/temporary.ts';

const subject: EvidenceSubject & { readonly output: string } = {
  instance: 'web01',
  restorePoint: { name: 'guard-in-flight', createdAt: '2026-11-23T05:51:26.123456789Z', volumes: [] },
  output: 'said \u001b[31mby the command',
  factsBefore: null,
  factsAfter: null,
  verdict: null,
};

/** Evidence of an instance whose daemon is gone. */
const saved = async (
  save: (name: string, content: string | Uint8Array) => Promise<Result<string, string>>,
  more: Partial<EvidenceSubject> = {},
) => {
  const { platform, close } = openIncusPlatform({
    socket: join(await temporaryFolder(), 'none'),
    project: 'default',
    clock: systemClock,
  });
  const events: RecordedEvent[] = [];
  const append = async (event: RecordedEvent): Promise<Result<void, string>> => {
    events.push(event);
    return ok(undefined);
  };
  const recorder = createRecorder({
    run: '20261123-055126-k3f9',
    clock: systemClock,
    listener: () => {},
    openStore: async () => ok({ append, saveEvidence: save, close: async () => {} }),
  });
  await recorder.resume();
  await saveEvidence({ ...subject, ...more }, { platform, clock: systemClock, recorder });
  close();
  return events.find((event) => event.type === 'evidence-saved');
};

describe('evidence', () => {
  test('that cannot be had is named; what guard has itself is saved', async () => {
    const written = new Map<string, string>();
    const event = await saved(async (name, content) => {
      written.set(name, Buffer.from(content).toString());
      return ok(`/record/evidence/${name}`);
    });
    expect(event?.files).toEqual(['/record/evidence/command-output.txt']);
    expect(event?.missing.map((text) => text.split(':')[0])).toEqual([
      'system-log.txt',
      'package-logs.txt',
      'units.txt',
      'processes.txt',
    ]);
    expect(written.get('command-output.txt')).toBe(subject.output);
  });

  test('has the facts of the look that decided, as they were seen', async () => {
    const written = new Map<string, unknown>();
    const save = async (name: string, content: string | Uint8Array) => {
      written.set(name, name.endsWith('.json') ? JSON.parse(Buffer.from(content).toString()) : null);
      return ok(name);
    };
    const after = facts({ reboot: { required: true, packages: ['libc6'] } });
    const event = await saved(save, { factsBefore: facts(), factsAfter: after });
    expect(event?.files).toEqual(['command-output.txt', 'facts-before.json', 'facts-after.json']);
    expect(written.get('facts-before.json')).toEqual(facts());
    expect(written.get('facts-after.json')).toEqual(after);
  });

  test('that cannot be written is named', async () => {
    const event = await saved(async () => err('no space left'));
    expect(event?.files).toEqual([]);
    expect(event?.missing).toContain('command-output.txt: no space left');
  });

  test('never stands in the way, even where guard itself is wrong', async () => {
    const event = await saved(() => Promise.reject(new Error('a bug')));
    expect(event?.missing).toContain('command-output.txt: a bug');
  });
});
