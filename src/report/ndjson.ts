import type { Writable } from 'node:stream';
import { isUtf8 } from 'node:buffer';
import type { RecordedEvent } from '../event.ts';
import type { LifecycleCommands } from '../lifecycle-command.ts';

/**
 * One event a line. Bytes of the command are text where they are UTF-8, else base64. Of the baseline only the checks are told:
 * the facts are large, and guard's own. For output a promise resolves when the reader has taken it, so that a slow reader
 * slows the command down; guard's own steps wait for no reader.
 */
export function createJsonView(stdout: Writable, more: object = {}): (event: RecordedEvent) => void | Promise<void> {
  return (event) => {
    const line = `${JSON.stringify({ ...lineOf(event), ...more })}\n`;
    if (event.type !== 'command-output') return void stdout.write(line);
    return new Promise((resolve) => {
      stdout.write(line, () => resolve());
    });
  };
}

function lineOf({ v, run, at, ...event }: RecordedEvent): object {
  return { v, run, at, ...withoutLargeParts(event) };
}

type JsonEvent = RecordedEvent extends infer Event
  ? Event extends RecordedEvent
    ? Omit<Event, 'v' | 'run' | 'at'>
    : never
  : never;

function withoutLargeParts(event: JsonEvent): object {
  switch (event.type) {
    case 'command-output': {
      const { chunk, ...rest } = event;
      return { ...rest, ...encoded(Buffer.from(chunk)) };
    }
    case 'baseline-recorded':
      return { ...event, baseline: { checks: event.baseline.checks } };
    case 'lifecycle-commands-planned':
      return { ...event, commands: withoutEnvironments(event.commands) };
    default:
      return event;
  }
}

/** Variables of hooks may be secrets, and this stream ends in logs. */
function withoutEnvironments(commands: LifecycleCommands): LifecycleCommands {
  return Object.fromEntries(
    Object.entries(commands).map(([moment, list]) => [moment, list?.map((hook) => ({ ...hook, environment: {} }))]),
  );
}

function encoded(bytes: Buffer): { readonly encoding: 'utf8' | 'base64'; readonly data: string } {
  return isUtf8(bytes)
    ? { encoding: 'utf8', data: bytes.toString('utf8') }
    : { encoding: 'base64', data: bytes.toString('base64') };
}
