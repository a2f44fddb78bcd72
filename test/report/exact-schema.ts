/** A JSON Schema without room for what it does not name, so that a field that it lacks is seen. */
export const withoutRoom = (node: unknown): unknown => {
  if (Array.isArray(node)) return node.map(withoutRoom);
  if (typeof node !== 'object' || node === null) return node;
  const copy = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, withoutRoom(value)]));
  return 'properties' in copy ? { additionalProperties: false, ...copy } : copy;
};
