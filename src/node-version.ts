/**
 * Why this Node cannot run guard, in one sentence; null where it can. `engines` in package.json says the same, and a test
 * compares the two.
 */
export function nodeProblem(version: string): string | null {
  const parts = version.split('.');
  const major = Number(parts[0]);
  const minor = Number(parts[1]);
  if (major > 22 || (major === 22 && minor >= 12) || (major === 20 && minor >= 19)) return null;
  return (
    `guard needs Node 20.19 or later (of Node 22: 22.12 or later) and this is Node ${version}: ` +
    'install a newer Node, or guard-static, which needs none.'
  );
}
