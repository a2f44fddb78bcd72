// Kills guard or the daemon at random moments of rehearsals, and shows that `guard recover` removes the copy and that the
// instance is untouched:
//   npm run test:rehearse -- --runs 100 --seed 1
import { rehearsalMain } from './rehearsal.ts';

process.exitCode = await rehearsalMain(process.argv.slice(2));
