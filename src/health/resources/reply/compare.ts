import { advisory, different, listed, required, withSides, type FactFinding } from '../../finding.ts';
import { nameOf } from '../listener/kinds.ts';
import type { Answer, Facts } from '../../facts.ts';
import { anyResolverKnows } from '../../protocols/dns.ts';
import { readCertificate } from '../../protocols/certificate.ts';
import { filesOfFirstPage } from '../../protocols/pages.ts';
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
    return compareAnswer(was, was.said, is, who, before, after).map((finding) =>
      withSides(finding, sayShortly(was.said), is === undefined ? 'not asked' : sayShortly(is.said)),
    );
  });
}

function compareAnswer(
  was: Answer,
  said: string,
  is: Answer | undefined,
  who: string,
  before: Facts,
  after: Facts,
): FactFinding[] {
  switch (was.protocol) {
    case 'http':
      if (was.question === filesOfFirstPage) return compareFiles(was, is, who);
      return was.question.startsWith('/')
        ? [...compareHttp(was, said, is, who), ...compareSite(was, is, who, before, after)]
        : compareProxy(was, said, is, who);
    case 'dns':
      return compareName(was, is, who, before, after);
    case 'greeting':
      return compareGreeting(was, said, is, who);
    case 'mail':
      return compareRecipient(was, is, who);
    case 'ldap':
      return compareDirectory(was, is, who);
    case 'certificate':
      return compareCertificate(was, is, who);
    case 'tcp':
      return compareLearnt(was, said, is, who);
    default:
      return was.protocol satisfies never;
  }
}

const unreachable = 'unreachable';

function keyOf({ protocol, port, question }: Answer): string {
  return `${protocol} ${port} ${question}`;
}

function compareHttp({ port, question }: Answer, was: string, is: Answer | undefined, who: string): FactFinding[] {
  if (is === undefined || is.said === was) return [];
  const [before, now] = [lastOf(was), is.said === null ? null : lastOf(is.said)];
  if (isError(before) || before === now) return [];
  const [subject, what] = question === '/' ? [`answer:${port}`, ''] : [`answer:${port}${question}`, ` for ${question}`];
  const message = `${who} answered http at ${port}${what} with ${withoutDigests(was)}, now ${sayAnswer(is.said)}`;
  if (isLost(now)) return [gone(subject, message, now)];
  if (isError(now) || now === 'nobody') return before === 'nobody' ? [] : [different(subject, message)];
  // Before, the server refused access to the page. Now the page does not exist.
  if (!isGood(before)) return now === '404' && question !== '/' ? [different(subject, message)] : [];
  if (!isGood(now)) return [neverGood.has(now) ? different(subject, message) : advisory(subject, message)];
  return now.includes(' ') ? [different(subject, message)] : [];
}

/** Whoever starts slowly refuses calls; packets that vanish are another matter, which no waiting for a service ends. */
function gone(subject: string, message: string, said: string | null): FactFinding {
  return said === unreachable ? different(subject, message) : required(subject, message, true);
}

/** Where the redirects of an answer end: `301 > 200`, without what tells one page from another. */
function lastOf(said: string): string {
  return withoutDigests(said)
    .slice(withoutDigests(said).lastIndexOf('> ') + 1)
    .trim();
}

const withoutDigests = (said: string): string => said.replace(/ \([0-9a-f]{8}\)/g, '');

/** A site that had pages of its own, and whose callers get those of nobody's site now. */
function compareSite(was: Answer, is: Answer | undefined, who: string, before: Facts, after: Facts): FactFinding[] {
  const site = /^\/\/(.+)\/$/.exec(was.question)?.[1];
  if (site === undefined || is?.said == null || was.said === null) return [];
  const digest = (said: string | null | undefined): string | undefined => / \(([0-9a-f]{8})\)$/.exec(said ?? '')?.[1];
  const front = ({ answers }: Facts): string | undefined =>
    digest(
      answers?.find(({ protocol, port, question }) => protocol === 'http' && port === was.port && question === '/')
        ?.said,
    );
  const [own, now] = [digest(was.said), digest(is.said)];
  if (own === undefined || now === undefined || own === front(before) || now !== front(after) || now === own) return [];
  return [
    different(
      `answer:${was.port}${was.question}`,
      `${who} had separate pages for ${site} at ${was.port}, now it answers with the page of the default site`,
    ),
  ];
}

/** Files of the first page have other names in another version, so those of the present page count. */
function compareFiles({ port, said }: Answer, is: Answer | undefined, who: string): FactFinding[] {
  if (said !== 'complete' || !is?.said?.startsWith('missing ')) return [];
  const message = `the scripts, style sheets and pictures of the first page of ${who} at ${port} could be loaded, now one cannot: ${is.said}`;
  return [different(`answer:${port}/`, message)];
}

/** Whatever a proxy brings, or fails to: it has let its caller in, and later it does not. */
function compareProxy(was: Answer, said: string, is: Answer | undefined, who: string): FactFinding[] {
  if (is === undefined || turnedAway.test(said)) return [];
  if (!isLost(is.said) && !turnedAway.test(is.said)) return [];
  const message = `${who} at ${was.port} answered a request for ${was.question} with ${said}, now ${sayAnswer(is.said)}`;
  return [required(`answer:${was.port}`, message, true)];
}

const turnedAway = /^(401|403|407)/;

/** Who got the page before is turned away, or the page is gone. */
const neverGood = new Set(['401', '403', '404']);

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
  const message = `${who} greeted clients at ${was.port} with "${said}", now ${isLost(is.said) ? sayAnswer(is.said) : `with "${is.said}"`}`;
  if (isLost(is.said) || (welcomes.test(said) && !welcomes.test(is.said)))
    return [required(`answer:${was.port}`, message, true)];
  return [];
}

/** First words of a server that is ready for its callers. */
const welcomes = /^(2\d\d|\+OK|\* (OK|PREAUTH)|SSH-|\+PONG|VERSION)/;

function compareRecipient({ port, question, said }: Answer, is: Answer | undefined, who: string): FactFinding[] {
  // 450 is also the word of those that want to be asked again later by whom they do not know yet.
  if (is === undefined || !said?.startsWith('2') || is.said?.startsWith('2') || is.said === '450') return [];
  const message = `${who} at ${port} would have accepted a message for its ${question} ("${said}"), now ${isLost(is.said) ? sayAnswer(is.said) : `it says "${is.said}"`}`;
  return [required(`answer:${port} ${question}`, message, true)];
}

function compareDirectory(was: Answer, is: Answer | undefined, who: string): FactFinding[] {
  if (is === undefined) return [];
  const lost = (message: string): FactFinding[] => [required(`answer:${was.port} ${was.question}`, message, true)];
  if (was.question !== '') {
    if (was.said !== 'success' || is.said === was.said) return [];
    return lost(`${who} returned the entry ${was.question}, now ${sayAnswer(is.said)}`);
  }
  const held = directoriesIn(was);
  if (held.length === 0) return [];
  if (isLost(is.said)) return lost(`${who} listed its directories, now ${sayAnswer(is.said)}`);
  const gone = held.filter((one) => !directoriesIn(is).includes(one));
  return gone.length === 0 ? [] : lost(`${who} had the directory ${listed(gone)}, and no longer has it`);
}

/** A certificate that a client would refuse, and would have taken before. */
function compareCertificate({ port, question, said }: Answer, is: Answer | undefined, who: string): FactFinding[] {
  const [was, now] = [readCertificate(said), readCertificate(is?.said ?? null)];
  if (was === null || is === undefined) return [];
  const subject = `answer:${port} ${question}`;
  if (now === null)
    return [required(subject, `${who} had a certificate at ${port}, now the port does not use TLS`, true)];
  const lost = was.names.filter((name) => !now.names.some((one) => one === name || covers(one, name)));
  if (was.state === 'valid' && now.state !== 'valid')
    return [
      different(subject, `the certificate of ${who} at ${port} was valid, is ${now.state} now (until ${now.until})`),
    ];
  if (lost.length > 0 && now.names.length > 0)
    return [
      different(
        subject,
        `the certificate of ${who} at ${port} was for ${listed(was.names, 5)}, and is for ${listed(now.names, 5)} now`,
      ),
    ];
  if (was.chain === 'trusted' && now.chain !== 'trusted')
    return [different(subject, `the certificate of ${who} at ${port} was trusted, and is not now: ${now.chain}`)];
  return was.chain === now.chain
    ? []
    : [
        advisory(
          subject,
          `the certificate of ${who} at ${port} has a different issuer: ${now.chain}, before ${was.chain}`,
        ),
      ];
}

function covers(pattern: string, name: string): boolean {
  return pattern.startsWith('*.') && name.slice(name.indexOf('.') + 1) === pattern.slice(2);
}

/** A server whose protocol was found out: it spoke before, and says nothing or something else now. */
function compareLearnt({ port, question }: Answer, was: string, is: Answer | undefined, who: string): FactFinding[] {
  if (is === undefined || is.said === was) return [];
  const subject = `answer:${port}`;
  const message = `${who} at ${port} ${question === 'connect' ? 'could be reached' : `said "${was}"`}, now ${isLost(is.said) ? sayAnswer(is.said) : `it says "${is.said}"`}`;
  if (question === 'http' || question === 'https')
    return compareHttp({ protocol: 'http', port, question: '/', said: was }, was, is, who);
  if (isLost(is.said)) return [gone(subject, message, is.said)];
  return question === 'banner' ? [different(subject, message)] : [];
}

function sayAnswer(answer: string | null): string {
  const said = answer === null ? null : withoutDigests(answer);
  return said === null ? 'it does not answer' : said === unreachable ? 'it cannot be reached' : `with ${said}`;
}

function sayShortly(answer: string | null): string {
  if (answer === null) return 'no answer';
  return answer === unreachable ? 'unreachable' : withoutDigests(answer);
}
