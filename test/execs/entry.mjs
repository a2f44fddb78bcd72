// Runs many commands in a busy container, and compares output and status with what they had to be:
//   npm run test:execs -- --count 10000 --parallel 16
import { main } from './main.ts';

process.exitCode = await main(process.argv.slice(2));
