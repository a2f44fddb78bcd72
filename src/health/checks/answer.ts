import { formatDuration } from '../../duration.ts';
import type { CheckStatus } from '../../event.ts';
import { type PlatformFailure, describeFailure } from '../../platform/failure.ts';
import { neutralise } from '../../text.ts';

/** What a kind of check finds out. `message` may be raw: it becomes one safe line in `askCheck`. */
export interface KindAnswer {
  readonly answer: CheckStatus;
  readonly message: string;
  /** Nothing came within the check's timeout. */
  readonly timedOut?: true;
}

export function passed(message: string): KindAnswer {
  return { answer: 'passed', message };
}

export function failed(message: string): KindAnswer {
  return { answer: 'failed', message };
}

export function notAsked(message: string): KindAnswer {
  return { answer: 'unknown', message };
}

/** No answer in time is a failure, because a healthy service answers. */
export function tooLate(limitMs: number): KindAnswer {
  return {
    ...failed(`no answer within ${formatDuration(limitMs)}`),
    timedOut: true,
  };
}

/** Incus could not put the question. Its own limit is the check's; everything else says nothing about health. */
export function answerOfFailure(failure: PlatformFailure, limitMs: number): KindAnswer {
  return failure.kind === 'timed-out' ? tooLate(limitMs) : notAsked(describeFailure(failure));
}

/**
 * A connection that did not come about, or broke. What lies on the machine that runs guard (no network, no permission,
 * no file descriptors, a resolver that does not answer) proves nothing about the instance.
 */
export function answerOfNetworkError(error: unknown, target: string): KindAnswer {
  const code = errorCode(error);
  const message = `${target}: ${phrases[code] ?? messageOf(error)}`;
  return ownTroubles.has(code) ? notAsked(`${message}, on the machine that runs guard`) : failed(message);
}

const ownTroubles = new Set([
  'ENETUNREACH',
  'ENETDOWN',
  'EMFILE',
  'ENFILE',
  'ENOBUFS',
  'ENOMEM',
  'EADDRNOTAVAIL',
  'EPERM',
  'EACCES',
  'EAI_AGAIN',
  'EAI_FAIL',
  'EAI_SYSTEM',
]);

const phrases: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was closed',
  EHOSTUNREACH: 'no host has this address',
  ETIMEDOUT: 'no answer',
  ENETUNREACH: 'no route',
  ENETDOWN: 'the network is down',
  ENOTFOUND: 'the name does not resolve',
  EAI_AGAIN: 'the name server does not answer',
};

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const code = errorCode(error);
  return code === '' || message.includes(code) ? message : `${message} (${code})`;
}

/** One line for a person, from what a command wrote: the last line of stderr, else of stdout. Empty when it wrote nothing. */
export function lastWords(output: { readonly stdout: string; readonly stderr: string }): string {
  return lastLine(output.stderr) || lastLine(output.stdout);
}

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1)?.trim() ?? '';
}

/** Makes one safe line of at most `maxLength` characters; spaces and line ends become single spaces. */
export function oneLine(text: string, maxLength = 300): string {
  return neutralise(text.replace(/\s+/g, ' ').trim(), maxLength);
}

/** `: words` where there are any. */
export function afterColon(words: string): string {
  return words === '' ? '' : `: ${words}`;
}
