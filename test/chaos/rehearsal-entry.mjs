import { rehearsalMain } from './rehearsal.ts';

process.exitCode = await rehearsalMain(process.argv.slice(2));
