// Kills guard, the agent, a confirmation or the daemon at random moments while a change waits for its confirmation, and shows
// that each change ends as confirmed or as rolled back:
//   npm run test:confirm -- --runs 50 --seed 1
import { confirmationMain } from './confirmation.ts';

process.exitCode = await confirmationMain(process.argv.slice(2));
