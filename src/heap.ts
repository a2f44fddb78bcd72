import { setFlagsFromString } from 'node:v8';

// How V8 keeps the heap of this process: what it was told matters for time and memory, and for nothing else.

/** From the start on: V8 otherwise sweeps a heap twice, on all cores, eight seconds after it was last busy. */
export function leaveSmallHeapAlone(): void {
  return setFlag('--no-memory-reducer-for-small-heaps');
}

/**
 * The buffers of a stream die young. Where young objects are swept often, that costs hardly anything; else V8 counts their
 * bytes until it sweeps the whole heap, again and again: half the time of a gigabyte. Only for as long as there is a stream,
 * until the returned function is called: V8 takes no compiled code of a process with other flags.
 */
export function sweepYoungOften(): () => void {
  setFlag('--semi-space-growth-factor=1');
  function back(): void {
    process.off('exit', back);
    setFlag('--semi-space-growth-factor=2');
  }
  // What the launcher keeps at the end must be of its own flags, whatever the end.
  process.prependOnceListener('exit', back);
  return back;
}

/** A V8 that does not know a flag any more would complain on stderr: only those that were tried are told. */
const newestTried = 24;

function setFlag(flag: string): void {
  const [major = ''] = process.versions.node.split('.');
  if (Number(major) <= newestTried) setFlagsFromString(flag);
}
