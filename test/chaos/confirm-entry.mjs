import { confirmationMain } from './confirmation.ts';

process.exitCode = await confirmationMain(process.argv.slice(2));
