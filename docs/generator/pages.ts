import { describeCommandLine } from './command-line.ts';
import { commandsPage } from './commands.ts';
import { configurationPage } from './configuration.ts';
import { configurationManual } from './configuration-manual.ts';
import { defaultConfiguration } from './default-configuration.ts';
import { eventsPage } from './events.ts';
import { exitStatusesPage } from './exit-statuses.ts';
import type { Schema } from './json-schema.ts';
import { manualPage } from './manual.ts';
import type { Page } from './markdown.ts';

export { pagesWithOtherFigures } from './figures.ts';

/** Everything of the documentation that is made from the code, and from the published schema of events. */
export async function generatedPages(version: string, events: Schema): Promise<readonly Page[]> {
  const commands = await describeCommandLine();
  return [
    commandsPage(commands),
    configurationPage(),
    exitStatusesPage(commands),
    eventsPage(events),
    manualPage(commands, version),
    configurationManual(version),
    defaultConfiguration(),
  ];
}
