import { hostName, server } from './server.ts';
import { smokeTests } from './smoke.suite.ts';

smokeTests(server, hostName);
