import { smokeTests } from '../servers/smoke.suite.ts';

// What the other end-to-end tests show of Incus 6.0 in depth, once on the other servers that people have.
smokeTests('LXD 5.0', 'lxd5');
smokeTests('Incus 7.0', 'incus7');
