import { describeSweep } from './describe-sweep.ts';
import { runKinds } from './sweep.ts';

describeSweep(runKinds.slice(7));
