// Which packages of node_modules are in a bundle, and their licences: esbuild tells which files it took.
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** The packages of these files, each once, by name: `{ name, version, license, folder }`. Paths may be relative to `root`. */
export async function packagesOf(inputs, root) {
  const folders = new Set();
  for (const path of inputs) {
    const [, folder] = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path) ?? [];
    if (folder !== undefined) folders.add(folder);
  }
  const packages = await Promise.all([...folders].map((folder) => describePackage(join(root, folder))));
  return packages.toSorted((one, other) => compare(one.name, other.name) || compare(one.version, other.version));
}

async function describePackage(folder) {
  const { name, version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  if (typeof license !== 'string') throw new Error(`${name} ${version} does not say its licence in package.json`);
  return { name, version, license, folder };
}

/** The text that goes with whatever contains these packages. */
export async function licenceText(packages) {
  const parts = await Promise.all(
    packages.map(async ({ name, version, license, folder }) => {
      const file = (await readdir(folder)).find((entry) => /^(licen[cs]e|copying)\b/i.test(entry));
      // Every licence in use asks for its text to go along.
      if (file === undefined) throw new Error(`${name} ${version} has no licence file: ${folder}`);
      const text = (await readFile(join(folder, file), 'utf8')).replaceAll('\r\n', '\n').trim();
      return `${'='.repeat(80)}\n${name} ${version}\nLicence: ${license}\n${'='.repeat(80)}\n\n${text}\n`;
    }),
  );
  const count = `${packages.length} packages`;
  return `guard is licensed under Apache-2.0 (LICENSE). Its program contains parts of these ${count}:\n\n${parts.join('\n')}`;
}

function compare(one, other) {
  return one < other ? -1 : Number(one > other);
}
