import type { Message, PackageChange } from './protocol.ts';

/** What a package manager is going to do, as its hook announced it. */
export interface Announcement {
  readonly manager: string;
  readonly pid: number;
  /** The command line, if the hook knows it; otherwise empty. */
  readonly command: string;
  readonly packages: readonly PackageChange[];
  /** The number of packages that are not listed. */
  readonly more: number;
}

/** A complete message that needs an answer. */
export type AssembledMessage =
  | { readonly kind: 'ping'; readonly id: string }
  | { readonly kind: 'request'; readonly id: string; readonly announcement: Announcement }
  | {
      readonly kind: 'post';
      readonly id: string;
      readonly manager: string;
      readonly pid: number;
      readonly status: number | null;
    };

/** Assembles messages from the lines of the clients of one instance. */
export interface MessageAssembler {
  /** The message that this line completes; null if it is incomplete or belongs to no message. */
  readonly add: (message: Message) => AssembledMessage | null;
}

/** The maximum number of incomplete messages of one instance. The oldest is dropped. */
const mostOpen = 16;

const mostPackages = 500;

/** The number of clients, of packages for each, and of bytes is bounded. */
export function createMessageAssembler(): MessageAssembler {
  const open = new Map<string, Announcement>();
  function put(id: string, announcement: Announcement): void {
    open.set(id, announcement);
    const [oldest] = open.keys();
    if (open.size > mostOpen && oldest !== undefined) open.delete(oldest);
  }
  function change(id: string, how: (announcement: Announcement) => Announcement): void {
    const announcement = open.get(id);
    if (announcement !== undefined) open.set(id, how(announcement));
  }
  function onMessage(message: Message): AssembledMessage | null {
    const { id } = message;
    switch (message.kind) {
      case 'ping':
        return { kind: 'ping', id };
      case 'pre':
        open.delete(id);
        put(id, { manager: message.manager, pid: message.pid, command: '', packages: [], more: 0 });
        return null;
      case 'command':
        change(id, (announcement) => ({ ...announcement, command: message.text }));
        return null;
      case 'package':
        change(id, (announcement) => withPackage(announcement, message.change));
        return null;
      case 'more':
        change(id, (announcement) => ({ ...announcement, more: announcement.more + message.count }));
        return null;
      case 'ask': {
        const announcement = open.get(id);
        open.delete(id);
        return announcement === undefined ? null : { kind: 'request', id, announcement };
      }
      case 'post':
        return { kind: 'post', id, manager: message.manager, pid: message.pid, status: message.status };
    }
  }
  return { add: onMessage };
}

function withPackage(announcement: Announcement, change: PackageChange): Announcement {
  if (announcement.packages.length >= mostPackages) return { ...announcement, more: announcement.more + 1 };
  // In place, so that 500 lines are not copied 500 times.
  (announcement.packages as PackageChange[]).push(change);
  return announcement;
}
