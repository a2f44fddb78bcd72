// Kills guard or the daemon at random moments of good and bad changes, and shows that `guard recover` finishes each:
//   npm run test:chaos -- --runs 200 --seed 7
import { main } from './main.ts';

process.exitCode = await main(process.argv.slice(2));
