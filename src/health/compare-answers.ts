import { advisory, required, type FactFinding } from './compare-finding.ts';
import { nameOf } from './compare-sockets.ts';
import type { Answer, Facts } from './facts.ts';

/** Servers that still listen, and answered before, and now answer with nothing but errors, or nothing at all. */
export const compareAnswers = (before: Facts, after: Facts): FactFinding[] => {
  const now = new Map(after.answers?.map((answer) => [keyOf(answer), answer]));
  return (before.answers ?? []).flatMap((was) => {
    // A port that nobody has any more is told by the comparison of sockets.
    const holder = after.sockets?.find(({ protocol, port }) => `${protocol}/${port}` === was.port);
    if (holder === undefined || was.said === null) return [];
    const who = nameOf(holder.owner) || `the server at ${was.port}`;
    const is = now.get(keyOf(was));
    return was.protocol === 'http' ? compareHttp(was.said, is, who, was.port) : compareZone(was, is, who, after);
  });
};

const keyOf = ({ port, question }: Answer): string => `${port} ${question}`;

const compareHttp = (was: string, is: Answer | undefined, who: string, port: string): FactFinding[] => {
  if (is === undefined || is.said === was || isError(was)) return [];
  const says = `${who} answered http at ${port} with ${was}, now ${sayAnswer(is.said)}`;
  if (is.said === null || isError(is.said)) return [required(`answer:${port}`, says, true)];
  if (!isGood(was)) return [];
  if (is.said === '403' || is.said === '404') return [required(`answer:${port}`, says, true)];
  return isGood(is.said) ? [] : [advisory(`answer:${port}`, says)];
};

const isError = (status: string): boolean => status.startsWith('5');

const isGood = (status: string): boolean => /^[123]/.test(status);

const compareZone = (was: Answer, is: Answer | undefined, who: string, after: Facts): FactFinding[] => {
  const { question: zone, port } = was;
  if (was.said !== 'NOERROR' || is?.said === 'NOERROR') return [];
  const subject = `answer:${port} ${zone}`;
  if (is !== undefined)
    return [required(subject, `${who} answered for the zone ${zone}, now ${sayAnswer(is.said)}`, true)];
  // It was not asked for: fine where nobody can be asked any more, and not where its configuration is gone.
  const isKnown = after.configuration === null || after.configuration.zones.includes(zone);
  if (isKnown) return [];
  return [required(subject, `${who} answered for the zone ${zone}, now no configuration names it`, true)];
};

const sayAnswer = (said: string | null): string => (said === null ? 'it does not answer' : `with ${said}`);
