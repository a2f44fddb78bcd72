import { beforeAll } from 'vitest';
import { foreignServer, reviveDaemon } from './test-server.ts';

// For each file of tests that need a server.
const problem = foreignServer(process.env);
if (problem !== null) throw new Error(problem);
beforeAll(() => reviveDaemon(process.env));
