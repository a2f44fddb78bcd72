import type { Command } from 'commander';
import { isSingleFile } from '../program-files.ts';
import { writeLines } from '../report/write.ts';
import type { Call } from './call.ts';
import type { Context } from './context.ts';

/** `guard version`: what is asked for in a report of a problem. */
export function defineVersion(program: Command, { context, exit }: Call): void {
  program
    .command('version')
    .description('print the versions of guard, Node and the server')
    .option('--json', 'write one JSON document to stdout')
    .addHelpText('after', '\nExit status:\n    0  always, even if no server answers')
    .action(async ({ json }: { readonly json?: boolean }) => {
      const { version, commit } = context;
      const node = process.versions.node;
      const server = await serverVersion(context);
      const lines = json
        ? [JSON.stringify({ v: 1, version, commit, node, singleFile: isSingleFile(), ...server })]
        : [
            `guard ${version}`,
            `commit ${commit}`,
            `Node ${node}${isSingleFile() ? ', in the program' : ''}`,
            server.server === null
              ? `no server: ${server.reason}`
              : `${server.server.product} ${server.server.version}`,
          ];
      await writeLines(context.stdout, lines);
      exit(0);
    });
}

type ServerVersion =
  | { readonly server: { readonly product: string; readonly version: string } }
  | { readonly server: null; readonly reason: string };

async function serverVersion(context: Context): Promise<ServerVersion> {
  const reached = await context.reach('any', null);
  if (!reached.ok) return { server: null, reason: reached.error.message };
  try {
    const { platform } = reached.value;
    const described = await platform.describeServer();
    if (!described.ok)
      return { server: null, reason: `Could not ${described.error.purpose}: ${described.error.detail}` };
    return { server: { product: described.value.product, version: described.value.version } };
  } finally {
    await reached.value.close();
  }
}
