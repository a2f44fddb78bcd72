import { existsSync } from 'node:fs';
import { get } from 'node:http';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { incusCommand, launch } from './incus-subject.ts';

/** Runs a script inside; rejects when it fails. */
export const inside = (instance: string, script: string): Promise<string> =>
  incusCommand('exec', instance, '--', 'sh', '-c', script);

/** A web server in Perl, which every Debian has, as a service that reads its configuration only when it starts. */
const app = `
use IO::Socket::INET;
open(my $conf, '<', '/etc/app.conf') or die "no configuration\\n";
die "bad configuration\\n" if join('', <$conf>) =~ /bad/;
my $server = IO::Socket::INET->new(LocalPort => 8080, Listen => 50, ReuseAddr => 1) or die $!;
while (my $client = $server->accept) { <$client>; print $client "HTTP/1.0 200 OK\\r\\n\\r\\nwell\\n"; close $client; }
`;

const unit = (command: string, more = ''): string =>
  `[Unit]\n${more}[Service]\nExecStart=${command}\n[Install]\nWantedBy=multi-user.target\n`;

/** Installs the web server, starts it and waits until it answers. */
export const appScript = `
cat >/usr/local/bin/app.pl <<'END'
${app}
END
echo good >/etc/app.conf
cat >/etc/systemd/system/app.service <<'END'
${unit('/usr/bin/perl /usr/local/bin/app.pl')}
END
systemctl daemon-reload
systemctl enable --now app.service
until perl -MIO::Socket::INET -e 'exit !IO::Socket::INET->new(PeerAddr => "127.0.0.1:8080")'; do sleep 0.1; done
`;

/** Launches a container with the web server. Gives its address. */
export const launchApp = async (instance: string, ...words: string[]): Promise<string> => {
  await launch(instance, ...words);
  await inside(instance, 'until systemctl is-system-running | grep -qE "running|degraded"; do sleep 0.2; done');
  await inside(instance, appScript);
  return addressOf(instance);
};

export const write = async (instance: string, path: string, content: string): Promise<void> => {
  await execa('incus', ['file', 'push', '-', `${instance}${path}`], { input: content });
};

/** The instance's IPv4 address. */
export const addressOf = async (instance: string): Promise<string> => {
  for (let tries = 0; tries < 100; tries += 1) {
    const found = /\d+\.\d+\.\d+\.\d+/.exec(await incusCommand('list', instance, '--columns', '4', '--format', 'csv'));
    if (found) return found[0];
    await new Promise((r) => setTimeout(r, 100));
  }
  throw new Error(`${instance} has no address`);
};

/** Whether the web server on port 8080 answers as it should. */
export const answers = (host: string): Promise<boolean> =>
  new Promise((resolve) => {
    const request = get({ host, port: 8080, agent: false, timeout: 2000 }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode === 200));
      response.on('error', () => resolve(false));
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(false));
  });

/** A client of the web server that asks a hundred times a second, until it is stopped. */
export const startClient = (host: string) => askRepeatedly(() => answers(host));

/** Asks a hundred times a second, until it is stopped; `succeeds` makes one request. */
export const askRepeatedly = (succeeds: () => Promise<boolean>) => {
  const seen = { asked: 0, failed: 0, times: [] as number[] };
  const under = new Set<Promise<void>>();
  const ask = async (): Promise<void> => {
    const began = performance.now();
    if (!(await succeeds())) seen.failed += 1;
    seen.times.push(performance.now() - began);
  };
  const timer = setInterval(() => {
    seen.asked += 1;
    const one = ask();
    under.add(one);
    void one.finally(() => under.delete(one));
  }, 10);
  return {
    stop: async (): Promise<typeof seen> => {
      clearInterval(timer);
      await Promise.all(under);
      return seen;
    },
  };
};

/** Whoever came, by what the listener is for. */
export interface Listeners {
  readonly came: string[];
  readonly close: () => Promise<void>;
}

/** The network that the server's bridges are in: a namespace of its own (test/host/server.sh), or the machine's. */
const serverNamespace = (): string | null => {
  const name = `gts-${basename(dirname(process.env['LXD_DIR'] ?? process.env['INCUS_DIR'] ?? ''))}`;
  return existsSync(join('/run/netns', name)) ? name : null;
};

/** Runs a command as the host of the server sees the network. */
export const onServerNetwork = (command: string, ...words: readonly string[]): [string, string[]] => {
  const namespace = serverNamespace();
  return namespace === null ? [command, [...words]] : ['nsenter', [`--net=/run/netns/${namespace}`, command, ...words]];
};

/** Listens on the host for everything that a copy might send. */
export const listenOnHost = async (
  address: string,
  tcp: Readonly<Record<string, number>>,
  udp: Readonly<Record<string, number>>,
): Promise<Listeners> => {
  const came: string[] = [];
  const script = join(import.meta.dirname, 'listen.mjs');
  const words = [script, address, JSON.stringify(tcp), JSON.stringify(udp)];
  const listening = execa(...onServerNetwork(process.execPath, ...words), { stdin: 'pipe', reject: false });
  await new Promise<void>((resolve, reject) => {
    createInterface(listening.stdout).on('line', (line) => {
      if (line === 'listening') resolve();
      else came.push(line.replace(/^came /, ''));
    });
    void listening.then(({ stderr }) => reject(new Error(`The listeners ended: ${stderr}`)));
  });
  return {
    came,
    close: async () => {
      listening.stdin.end();
      await listening;
    },
  };
};

/** Names of the copies, and of their volumes, that are there. */
export const copies = async (): Promise<string[]> => {
  const listed = await execa('incus', ['list', '--project', 'guard-rehearsal', '--columns', 'n', '--format', 'csv'], {
    reject: false,
    stdin: 'ignore',
  });
  return listed.stdout.split('\n').filter((name) => name !== '');
};
