/** The events of a run, one a line. */
export const journalFile = 'journal.jsonl';

/** The line behind an incomplete one, which was being written when its process or its host ended: it is no event. */
export const tornLineMarker = '{"torn":true}';

/** The baseline can be large and is wanted whole: it has a file of its own beside the journal. */
export const baselineFile = 'baseline.json';

/** What was saved of the changed instance before it went back. */
export const evidenceFolder = 'evidence';

/** Whether a name is a plain file name. Names from elsewhere must not leave the folder of the record. */
export function isFileName(name: string): boolean {
  return /^[A-Za-z0-9_][\w.+-]{0,120}$/.test(name);
}
