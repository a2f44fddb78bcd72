import { advisory, listed, required, type FactFinding } from '../../finding.ts';
import { nameOf } from '../listener/kinds.ts';
import type { Answer, Facts } from '../../facts.ts';
import { anyResolverKnows } from '../../protocols/dns.ts';
import { directoriesIn } from '../../protocols/ldap.ts';

/** Servers that still listen, and answered before, and now answer with nothing but errors, or nothing at all. */
export function compareAnswers(before: Facts, after: Facts): FactFinding[] {
  const now = new Map(after.answers?.map((answer) => [keyOf(answer), answer]));
  return (before.answers ?? []).flatMap((was) => {
    // A port that nobody has any more is told by the comparison of sockets.
    const holder = after.sockets?.find(({ protocol, port }) => `${protocol}/${port}` === was.port);
    if (holder === undefined || was.said === null || was.said === unreachable) return [];
    const who = nameOf(holder.owner) || `the server at ${was.port}`;
    const is = now.get(keyOf(was));
    switch (was.protocol) {
      case 'http':
        return was.question.startsWith('/')
          ? compareHttp(was, was.said, is, who)
          : compareProxy(was, was.said, is, who);
      case 'dns':
        return compareName(was, is, who, before, after);
      case 'greeting':
        return compareGreeting(was, was.said, is, who);
      case 'mail':
        return compareRecipient(was, is, who);
      case 'ldap':
        return compareDirectory(was, is, who);
      default:
        return was.protocol satisfies never;
    }
  });
}

const unreachable = 'unreachable';

function keyOf({ protocol, port, question }: Answer): string {
  return `${protocol} ${port} ${question}`;
}

function compareHttp({ port, question }: Answer, was: string, is: Answer | undefined, who: string): FactFinding[] {
  if (is === undefined || is.said === was || isError(was)) return [];
  const [subject, what] = question === '/' ? [`answer:${port}`, ''] : [`answer:${port}${question}`, ` for ${question}`];
  const message = `${who} answered http at ${port}${what} with ${was}, now ${sayAnswer(is.said)}`;
  if (isLost(is.said) || isError(is.said)) return [required(subject, message, true)];
  if (!isGood(was)) return [];
  if (!isGood(is.said)) return [neverGood.has(is.said) ? required(subject, message, true) : advisory(subject, message)];
  return is.said.includes(' ') ? [required(subject, message, true)] : [];
}

/** Whatever a proxy brings, or fails to: it has let its caller in, and later it does not. */
function compareProxy(was: Answer, said: string, is: Answer | undefined, who: string): FactFinding[] {
  if (is === undefined || turnedAway.test(said)) return [];
  if (!isLost(is.said) && !turnedAway.test(is.said)) return [];
  const message = `${who} at ${was.port} was asked for ${was.question} and answered with ${said}, now ${sayAnswer(is.said)}`;
  return [required(`answer:${was.port}`, message, true)];
}

const turnedAway = /^(401|403|407)/;

/** Forbidden and not found: the pages are gone. Others, such as one that asks who is there, may be meant. */
const neverGood = new Set(['403', '404']);

function isLost(said: string | null): said is null | typeof unreachable {
  return said === null || said === unreachable;
}

function isError(status: string): boolean {
  return status.startsWith('5');
}

function isGood(status: string): boolean {
  return /^[123]/.test(status);
}

function compareName(was: Answer, is: Answer | undefined, who: string, before: Facts, after: Facts): FactFinding[] {
  const { question, port } = was;
  if (was.said !== 'NOERROR' || is?.said === 'NOERROR') return [];
  const subject = `answer:${port} ${question}`;
  const what = before.configuration?.zones.includes(question) === true ? `the zone ${question}` : question;
  const message = `${who} answered for ${what}, now ${is === undefined ? 'no configuration names it' : sayAnswer(is.said)}`;
  // Whether `localhost` is among what it knows is for each server to say, and one that does not know it asks others, who may
  // be out of reach. Debian's BIND knew it until 9.18. A resolver that refuses to speak has turned its clients away.
  if (question === anyResolverKnows)
    return is?.said === 'REFUSED' && before.configuration?.zones.length === 0 ? [required(subject, message, true)] : [];
  if (is !== undefined) return [required(subject, message, true)];
  // It was not asked for: fine where nobody can be asked any more, and not where its configuration is gone.
  const { configuration } = after;
  const isKnown = configuration === null || [...configuration.zones, ...(configuration.names ?? [])].includes(question);
  return isKnown ? [] : [required(subject, message, true)];
}

function compareGreeting(was: Answer, said: string, is: Answer | undefined, who: string): FactFinding[] {
  if (is === undefined || is.said === said) return [];
  const message = `${who} greeted callers at ${was.port} with "${said}", now ${isLost(is.said) ? sayAnswer(is.said) : `with "${is.said}"`}`;
  if (isLost(is.said) || (welcomes.test(said) && !welcomes.test(is.said)))
    return [required(`answer:${was.port}`, message, true)];
  return [];
}

/** First words of a server that is ready for its callers. */
const welcomes = /^(2\d\d|\+OK|\* (OK|PREAUTH)|SSH-|\+PONG|VERSION)/;

function compareRecipient({ port, question, said }: Answer, is: Answer | undefined, who: string): FactFinding[] {
  // 450 is also the word of those that want to be asked again later by whom they do not know yet.
  if (is === undefined || !said?.startsWith('2') || is.said?.startsWith('2') || is.said === '450') return [];
  const message = `${who} at ${port} would have taken a message for its ${question} ("${said}"), now ${isLost(is.said) ? sayAnswer(is.said) : `it says "${is.said}"`}`;
  return [required(`answer:${port} ${question}`, message, true)];
}

function compareDirectory(was: Answer, is: Answer | undefined, who: string): FactFinding[] {
  if (is === undefined) return [];
  const lost = (message: string): FactFinding[] => [required(`answer:${was.port} ${was.question}`, message, true)];
  if (was.question !== '') {
    if (was.said !== 'success' || is.said === was.said) return [];
    return lost(`${who} gave the entry ${was.question}, now ${sayAnswer(is.said)}`);
  }
  const held = directoriesIn(was);
  if (held.length === 0) return [];
  if (isLost(is.said)) return lost(`${who} said which directories it holds, now ${sayAnswer(is.said)}`);
  const gone = held.filter((one) => !directoriesIn(is).includes(one));
  return gone.length === 0 ? [] : lost(`${who} held the directory ${listed(gone)}, and does not any more`);
}

function sayAnswer(said: string | null): string {
  return said === null ? 'it does not answer' : said === unreachable ? 'it cannot be reached' : `with ${said}`;
}
