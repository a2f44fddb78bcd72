// What the cases are written with: how a package becomes the next release's, and how a service is asked.
// A probe is a line of sh with status 0 where the service does its job; {address} in it means: asked from outside.

const nextRelease = `sed -i 's/bookworm/trixie/g' $(grep -rl bookworm /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null) && apt-get update -qq`;

/** The packages as the next release has them, with what they need. The configuration that is there stays. */
export const upgrade = (...packages) => `${nextRelease} && ${install(...packages)}`;

/** The same, where the maintainer's configuration replaces the one that is there. */
export const upgradeReplacing = (...packages) => upgrade(...packages).replace('force-confold', 'force-confnew');

export const install = (...packages) =>
  `apt-get install -y -qq -o Dpkg::Options::=--force-confold ${packages.join(' ')}`;

/** Every package of the container as the next release has it. */
export const wholeRelease = `${nextRelease} && apt-get full-upgrade -y -qq -o Dpkg::Options::=--force-confold`;

const ask = (...words) => `node test/corpus/ask.mjs ${words.map((word) => `'${word}'`).join(' ')}`;

export const page = ask('http', '{address}', '80', ' 200');
export const pageSaying = (text) => ask('http', '{address}', '80', text);
export const programSaying = (path, text) => ask('http', '{address}', '80', text, path);
export const siteSaying = (site, text) => ask('http', '{address}', '80', text, '/', site);
export const takesMailFor = (recipient) => ask('mail', '{address}', '25', recipient);
export const resolves = (name) => ask('dns', '{address}', '53', name);
export const greets = (port, greeting) => ask('line', '{address}', String(port), greeting);
/** Somebody takes the call. */
export const connects = (port) => ask('tcp', '{address}', String(port));
export const replies = (port, greeting, question) => ask('line', '{address}', String(port), greeting, question);

/** From inside, for what listens on loopback only. */
export const greetsInside = (
  port,
  greeting,
  question = '',
) => `perl -MIO::Socket::INET -e '$SIG{ALRM} = sub { exit 1 }; alarm 5;
  $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:${port}", Timeout => 3) or exit 1; print $s "${question}\\r\\n"; exit(<$s> =~ /${greeting}/ ? 0 : 1)'`;

export const write = (path, text) => `mkdir -p ${path.replace(/\/[^/]*$/, '')}; cat >${path} <<'END'\n${text}\nEND\n`;
