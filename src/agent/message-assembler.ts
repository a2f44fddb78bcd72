import type { Message, PackageChange } from './protocol.ts';

/** What a package manager wants to do, as its hook has told it. */
export interface Announcement {
  readonly manager: string;
  readonly pid: number;
  /** What was typed, as far as the hook knows it; empty where it does not. */
  readonly command: string;
  readonly packages: readonly PackageChange[];
  /** So many more than are listed. */
  readonly more: number;
}

/** A message that is whole, and wants to be answered. */
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

/** Puts the lines of the clients of one instance together. */
export interface MessageAssembler {
  /** What the message completes; null where more has to come, or where it belongs to nothing. */
  readonly add: (message: Message) => AssembledMessage | null;
}

/** The most clients of one instance that may be in the middle of what they say. The oldest is forgotten. */
const mostOpen = 16;

const mostPackages = 500;

/** Bounded in every direction: so many clients, so many packages each, of so many bytes. */
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
  // In place: five hundred lines must not be copied five hundred times.
  (announcement.packages as PackageChange[]).push(change);
  return announcement;
}
