import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createServer, type AddressInfo } from 'node:net';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { guardUnderTest, type GuardUnderTest } from './guard.ts';
import { incusCommand, launch, openTestIncus, remove } from './incus-subject.ts';
import { waitFor } from '../host/host.ts';

// Root inside a container chooses the addresses that it has, and their order (issue 13). Whatever it puts first, guard sends
// its questions to the container, and to nobody else: each address below has a listener that counts.

const instance = 'asked-a';
const other = 'asked-b';
const foreign = '198.51.100.77';
// Of the network namespace with the foreign address. One a machine: several hosts of the tests may run on it.
const namespace = `guard-${createHash('sha256')
  .update(process.env['INCUS_DIR'] ?? '')
  .digest('hex')
  .slice(0, 6)}`;

const { platform, close } = openTestIncus();
let guard: GuardUnderTest;
let port = 0;
let askedOnHost = 0;
let own = '';
let ofOther = '';
let bridge = '';

const onHost = createServer((socket) => {
  askedOnHost += 1;
  socket.destroy();
});

const inside = async (name: string, script: string): Promise<string> => {
  const answer = await platform.query(name, { command: ['sh', '-euc', script], limitMs: 30_000, maxBytes: 65_536 });
  if (!answer.ok || answer.value.status !== 0) throw new Error(`inside: ${JSON.stringify(answer)}`);
  return answer.value.stdout.trim();
};

/** A web server that counts who connects; it answers with a redirect to the listener on the host. */
const makeListener = (name: string, redirect: string): Promise<string> =>
  inside(
    name,
    `
cat >/usr/local/bin/counted <<'END'
#!/bin/sh
timeout 1 head -n 1 >/dev/null
printf 'HTTP/1.0 302 Found\\r\\nLocation: http://${redirect}/\\r\\nContent-Length: 0\\r\\n\\r\\n'
END
chmod 755 /usr/local/bin/counted
printf '[Socket]\\nListenStream=0.0.0.0:${port}\\nAccept=yes\\n[Install]\\nWantedBy=sockets.target\\n' >/etc/systemd/system/counted.socket
printf '[Service]\\nExecStart=/usr/local/bin/counted\\nStandardInput=socket\\n' >/etc/systemd/system/counted@.service
systemctl daemon-reload; systemctl enable --now counted.socket`,
  );

const countOf = async (name: string): Promise<number> =>
  Number(await inside(name, 'systemctl show -P NAccepted counted.socket'));

const leaseOf = async (name: string): Promise<string> => {
  let address = '';
  await waitFor(async () => {
    address = await inside(name, "ip -4 -o addr show eth0 scope global | awk '{print $4; exit}'");
    return address !== '';
  });
  return address.split('/')[0] ?? '';
};

beforeAll(async () => {
  guard = await guardUnderTest();
  await new Promise<void>((resolve) => onHost.listen(0, '0.0.0.0', resolve));
  port = (onHost.address() as AddressInfo).port;
  await Promise.all([launch(instance), launch(other)]);
  [own, ofOther] = await Promise.all([leaseOf(instance), leaseOf(other)]);
  bridge = await inside(instance, "ip -4 route show default | awk '{print $3; exit}'");
  await Promise.all([makeListener(instance, `${bridge}:${port}`), makeListener(other, `${bridge}:${port}`)]);
  await makeForeignHost();
  // The client of DHCP would put its address back meanwhile.
  await inside(instance, 'pkill dhclient || pkill dhcpcd || pkill udhcpc || true');
  await inside(instance, 'ip addr flush dev eth0');
  await writeFile(
    join(guard.stateDirectory, 'guard.yaml'),
    JSON.stringify({
      defaults: {
        checks: {
          tcp: { tcp: port },
          'tcp by address': { tcp: `{address4}:${port}` },
          http: { http: `http://{address}:${port}/`, redirects: 3 },
          dns: { dns: 'example.org', server: '{address}', port, transport: 'tcp' },
        },
      },
    }),
  );
});

/** Somebody else's machine: an address of its own behind a route, with a listener that writes a line for each connection. */
const makeForeignHost = async (): Promise<void> => {
  await removeForeignHost();
  const ip = (...words: string[]) => execa('ip', words, { stdin: 'ignore' });
  const [here, there] = [`${namespace.slice(0, 12)}h`, `${namespace.slice(0, 12)}f`];
  await ip('netns', 'add', namespace);
  await ip('link', 'add', here, 'type', 'veth', 'peer', 'name', there, 'netns', namespace);
  await ip('-n', namespace, 'link', 'set', 'lo', 'up');
  await ip('-n', namespace, 'addr', 'add', `${foreign}/32`, 'dev', there);
  await ip('link', 'set', here, 'up');
  await ip('-n', namespace, 'link', 'set', there, 'up');
  await ip('-n', namespace, 'route', 'add', 'default', 'dev', there);
  await ip('route', 'replace', `${foreign}/32`, 'dev', here);
  const program = `require('net').createServer((s) => { process.stdout.write('x'); s.destroy(); }).listen(${port}, () => process.stdout.write('on'))`;
  foreignListener = spawn('ip', ['netns', 'exec', namespace, process.execPath, '-e', program]);
  foreignListener.stdout?.on('data', (chunk: Buffer) => (foreignOutput += chunk.toString()));
  await waitFor(() => foreignOutput.startsWith('on'));
};

let foreignListener: ReturnType<typeof spawn> | null = null;
let foreignOutput = '';

const removeForeignHost = async (): Promise<void> => {
  await execa('ip', ['netns', 'delete', namespace], { reject: false, stdin: 'ignore' });
};

afterAll(async () => {
  foreignListener?.kill('SIGKILL');
  await removeForeignHost();
  await new Promise<void>((resolve) => onHost.close(() => resolve()));
  close();
  await Promise.all([remove(instance), remove(other)]);
  await guard.remove();
});

const setAddresses = (...addresses: string[]): Promise<string> =>
  inside(instance, `ip addr flush dev eth0; ${addresses.map((one) => `ip addr add ${one} dev eth0`).join('; ')}`);

/** The whole of guard, as a user runs it: automatic questions and configured checks. */
const check = () => guard.run(['check', instance, '--config', join(guard.stateDirectory, 'guard.yaml'), '--json']);

const counts = async () => ({
  host: askedOnHost,
  foreign: foreignOutput.length,
  other: await countOf(other),
});

describe('guard asks nobody but the container, whatever address root inside puts first', () => {
  it.each<[string, () => string[]]>([
    ['the loopback of the host', () => ['127.0.0.1/32']],
    ['another address of the loopback', () => ['127.8.8.8/32']],
    ['the bridge of the host', () => [`${bridge}/32`]],
    ['a machine elsewhere', () => [`${foreign}/32`]],
    ['another container', () => [`${ofOther}/32`]],
    ['all of them', () => ['127.0.0.1/32', `${bridge}/32`, `${foreign}/32`, `${ofOther}/32`]],
  ])('%s', async (_name, addresses) => {
    await setAddresses(...addresses());
    const before = await counts();
    await check();
    expect(await counts()).toEqual(before);
    // A container with the address of its bridge cannot be reached at all.
    if (addresses().includes(`${bridge}/32`)) return;
    // It is asked where it has its own address too.
    await setAddresses(...addresses(), `${own}/24`);
    const asked = await countOf(instance);
    await check();
    expect(await counts()).toEqual(before);
    expect(await countOf(instance)).toBeGreaterThan(asked);
  });

  it('asks an address that the container chose in the network of its bridge, where nobody else has it', async () => {
    const chosen = own.replace(/\.\d+$/, '.251');
    await setAddresses(`${chosen}/24`);
    const asked = await countOf(instance);
    await check();
    expect(await countOf(instance)).toBeGreaterThan(asked);
    expect(await incusCommand('list', instance, '-c', '4', '-f', 'csv')).toContain(chosen);
  });
});
