import { converse, type Conversation } from './conversation.ts';
import type { Questions } from './memory.ts';
import type { Answer, Socket } from '../facts.ts';

/**
 * Asks the directory server of the instance, as anybody may without a name: which directories it holds (RFC 4512, section
 * 5.1), and for the uppermost entry of each. A server can run and listen with its directory gone, or closed to everybody.
 */
export async function askDirectory(
  sockets: readonly Socket[],
  address: string,
  questions: Questions,
  port = ldapPort,
): Promise<Answer[]> {
  if (!sockets.some((one) => one.protocol === 'tcp' && one.port === port)) return [];
  async function ask(entry: string, learn: (result: SearchResult) => string): Promise<Answer> {
    const said = await questions.remembering(`${address} ${port} ${entry}`, () =>
      converse({ address, port }, search(entry, learn), questions),
    );
    return { protocol: 'ldap', port: `tcp/${port}`, question: entry, said };
  }
  const all = await ask('', ({ code, contexts }) => (code === 0 ? contexts.join(between) : sayCode(code)));
  return [all, ...(await Promise.all(directoriesIn(all).map((entry) => ask(entry, ({ code }) => sayCode(code)))))];
}

const ldapPort = 389;

/** The directories that a server says it holds; none where it says something else. */
export function directoriesIn({ question, said }: Answer): string[] {
  return question !== '' || said === null || !said.includes('=') ? [] : said.split(between).slice(0, 5);
}

/** Cannot be in the name of an entry unless it is escaped (RFC 4514, section 2.4). */
const between = '; ';

/** RFC 4511, appendix A. */
function sayCode(code: number): string {
  return (
    new Map([
      [0, 'success'],
      [1, 'operations error'],
      [8, 'stronger authentication required'],
      [32, 'no such object'],
      [48, 'inappropriate authentication'],
      [49, 'invalid credentials'],
      [50, 'insufficient access'],
      [51, 'busy'],
      [52, 'unavailable'],
      [53, 'unwilling to perform'],
      [80, 'an error of its own'],
    ]).get(code) ?? `result ${code}`
  );
}

interface SearchResult {
  readonly code: number;
  readonly contexts: readonly string[];
}

function search(entry: string, learn: (result: SearchResult) => string): Conversation {
  return {
    opens: requestFor(entry),
    replyTo: (heard) => {
      const result = resultIn(heard);
      return result === null ? { kind: 'wait' } : { kind: 'leave', words: unbind, said: learn(result) };
    },
  };
}

// X.690: tag, length, content. LDAP's own tags are those of RFC 4511, section 4.
const tags = { integer: 2, text: 4, boolean: 1, choice: 10, list: 48, search: 99, entry: 100, done: 101, present: 135 };

function element(tag: number, content: string): string {
  const { length } = content;
  const size = length < 128 ? [length] : [0x82, length >> 8, length & 255];
  return String.fromCodePoint(tag, ...size) + content;
}

function number(value: number, tag = tags.integer): string {
  return element(tag, String.fromCodePoint(value));
}

/** A search for one entry and nothing below it, without following anything, for at most three seconds. */
function requestFor(entry: string): string {
  const name = element(tags.text, entry.slice(0, 1000));
  const limits = number(0, tags.choice) + number(0, tags.choice) + number(0) + number(3);
  const wanted = element(tags.list, element(tags.text, entry === '' ? 'namingContexts' : '1.1'));
  const what = number(0, tags.boolean) + element(tags.present, 'objectClass') + wanted;
  return element(tags.list, number(1) + element(tags.search, name + limits + what));
}

/** Says goodbye; there is no answer to it. */
const unbind = element(tags.list, `${number(2)}\u0042\0`);

interface Element {
  readonly tag: number;
  readonly content: string;
}

/** The elements that are there as a whole; null where the text is none of this protocol. */
function elementsIn(text: string): Element[] {
  const elements: Element[] = [];
  for (let at = 0; at + 2 <= text.length;) {
    const [tag, first] = [text.charCodeAt(at), text.charCodeAt(at + 1)];
    const more = first < 128 ? 0 : first - 128;
    if (more > 3) break;
    const size = Number(`0x0${Buffer.from(text.slice(at + 2, at + 2 + more), 'latin1').toString('hex')}`);
    const [from, length] = [at + 2 + more, more === 0 ? first : size];
    if (from + length > text.length) break;
    elements.push({ tag, content: text.slice(from, from + length) });
    at = from + length;
  }
  return elements;
}

/** Null as long as the end of the search has not come. */
function resultIn(heard: string): SearchResult | null {
  const operations = elementsIn(heard).flatMap(({ content }) => elementsIn(content).slice(1, 2));
  const done = operations.find(({ tag }) => tag === tags.done);
  const code = done === undefined ? undefined : elementsIn(done.content)[0];
  if (code === undefined) return null;
  const values = operations
    .filter(({ tag }) => tag === tags.entry)
    .flatMap(({ content }) => elementsIn(elementsIn(content)[1]?.content ?? ''))
    .flatMap(({ content }) => elementsIn(elementsIn(content)[1]?.content ?? ''));
  return {
    code: code.content.charCodeAt(0),
    contexts: values
      .map(({ content }) => content)
      .filter((name) => name.includes('='))
      .toSorted(),
  };
}
