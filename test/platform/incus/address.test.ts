import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { resolveAddress } from '../../../src/platform/incus/remote/address.ts';
import { findSocket } from '../../../src/platform/incus/remote/socket.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'guard-home-'));
  await mkdir(join(home, '.config/incus'), { recursive: true });
  await mkdir(join(home, 'system'));
});
afterEach(() => rm(home, { recursive: true, force: true }));

const environment = (more: Record<string, string> = {}) => ({
  HOME: home,
  INCUS_GLOBAL_CONF: join(home, 'system'),
  INCUS_DIR: join(home, 'incus'),
  ...more,
});
const configure = (text: string, folder = '.config/incus') => writeFile(join(home, folder, 'config.yml'), text);
const resolve = (remoteAndName: string, more: Record<string, string> = {}, projectFlag: string | null = null) =>
  resolveAddress({ environment: environment(more), remoteAndName, projectFlag });

const remotes = `
default-remote: prod
remotes:
  prod:
    addr: https://prod.example:8443,https://other.example:8443
    project: web
    protocol: incus
    public: false
  images:
    addr: https://images.example
    protocol: simplestreams
    public: true
  here:
    addr: unix:///srv/incus/unix.socket
`;

describe('an instance by its name', () => {
  it('is local without a configuration', async () => {
    const socket = join(home, 'incus/unix.socket');
    expect(await resolve('web01')).toEqual({
      ok: true,
      value: { kind: 'local', product: 'Incus', socket, project: 'default', instance: 'web01' },
    });
    expect(await resolve('local:web01')).toEqual(await resolve('web01'));
  });

  it.each([
    ['web01', {}, null, { kind: 'remote', remote: 'prod', project: 'web', instance: 'web01' }],
    ['prod:web01', {}, null, { kind: 'remote', remote: 'prod', project: 'web', instance: 'web01' }],
    ['web01', { INCUS_PROJECT: 'p' }, null, { kind: 'remote', remote: 'prod', project: 'p', instance: 'web01' }],
    ['web01', { INCUS_PROJECT: 'p' }, 'f', { kind: 'remote', remote: 'prod', project: 'f', instance: 'web01' }],
    ['web01', { INCUS_REMOTE: 'here' }, null, { kind: 'local', socket: '/srv/incus/unix.socket', project: 'default' }],
    ['here:web01', {}, 'f', { kind: 'local', socket: '/srv/incus/unix.socket', project: 'f', instance: 'web01' }],
    ['local:web01', { INCUS_SOCKET: '/x/s' }, null, { kind: 'local', socket: '/x/s', project: 'default' }],
  ])('%s with %j and --project %s', async (name, more, flag, expected) => {
    await configure(remotes);
    expect(await resolve(name, more, flag)).toMatchObject({ ok: true, value: expected });
  });

  it('is looked up in INCUS_CONF, over the configuration of the system', async () => {
    await configure(remotes, 'system');
    await mkdir(join(home, 'conf'));
    await configure('remotes: {mine: {addr: "https://mine.example"}}', 'conf');
    const conf = { INCUS_CONF: join(home, 'conf') };
    expect(await resolve('mine:a', conf)).toMatchObject({ ok: true, value: { remote: 'mine', project: 'default' } });
    expect(await resolve('b', conf)).toMatchObject({ ok: true, value: { remote: 'prod', project: 'web' } });
  });
});

describe('an address that means nothing', () => {
  it('names the nearest remote', async () => {
    await configure(remotes);
    const refused = await resolve('prd:web01');
    expect(refused).toMatchObject({ ok: false, error: { message: 'There is no remote "prd". Did you mean "prod"?' } });
  });

  it('says where a default remote comes from', async () => {
    const refused = await resolve('web01', { INCUS_REMOTE: 'gone' });
    expect(refused).toMatchObject({ ok: false, error: { message: expect.stringContaining('default remote') } });
  });

  it('is a server of images', async () => {
    await configure(remotes);
    expect(await resolve('images:debian')).toMatchObject({
      ok: false,
      error: { message: expect.stringContaining('images') },
    });
  });

  it.each(['prod:', 'local:'])('has no name after the colon: %s', async (text) => {
    await configure(remotes);
    expect(await resolve(text)).toMatchObject({
      ok: false,
      error: { message: `"${text}" does not name an instance.` },
    });
  });

  it('points at the line of a broken configuration', async () => {
    await configure('remotes:\n  a: {addr: [\n');
    const refused = await resolve('web01');
    expect(refused).toMatchObject({ ok: false, error: { message: expect.stringMatching(/config\.yml:\d+:\d+: /) } });
  });

  it('survives a configuration of another shape', async () => {
    await configure('remotes: [1, 2]\ndefault-remote: {}\n');
    expect(await resolve('web01')).toMatchObject({ ok: true, value: { kind: 'local' } });
  });
});

describe('the local socket', () => {
  it('is INCUS_SOCKET, then INCUS_DIR', () => {
    expect(findSocket({ INCUS_SOCKET: '/a', INCUS_DIR: '/b' })).toEqual({
      product: 'Incus',
      socket: '/a',
      project: 'default',
    });
    expect(findSocket({ INCUS_DIR: '/b' })).toEqual({ product: 'Incus', socket: '/b/unix.socket', project: 'default' });
  });

  it("is incus-user's when only that one may be used, with the project of the user", async () => {
    const folder = join(home, 'incus');
    await mkdir(folder);
    await writeFile(join(folder, 'unix.socket.user'), '');
    expect(findSocket({ INCUS_DIR: folder })).toEqual({
      product: 'Incus',
      socket: join(folder, 'unix.socket.user'),
      project: `user-${process.geteuid?.()}`,
    });
    await writeFile(join(folder, 'unix.socket'), '');
    expect(findSocket({ INCUS_DIR: folder })).toEqual({
      product: 'Incus',
      socket: join(folder, 'unix.socket'),
      project: 'default',
    });
  });

  it('is one of the usual places without an environment', () => {
    expect(['/run/incus/unix.socket', '/var/lib/incus/unix.socket', '/var/lib/incus/unix.socket.user']).toContain(
      findSocket({}).socket,
    );
  });
});

describe('LXD', () => {
  const lxd = { INCUS_DIR: '', LXD_DIR: '/srv/lxd' };
  const configureLxd = async (text: string): Promise<void> => {
    await mkdir(join(home, '.config/lxc'), { recursive: true });
    await configure(text, '.config/lxc');
  };

  it.each([
    ['LXD_SOCKET', { LXD_SOCKET: '/s' }, { product: 'LXD', socket: '/s', project: 'default' }],
    ['LXD_DIR', { LXD_DIR: '/srv/lxd' }, { product: 'LXD', socket: '/srv/lxd/unix.socket', project: 'default' }],
    ['Incus before LXD', { LXD_DIR: '/a', INCUS_DIR: '/b' }, { product: 'Incus', socket: '/b/unix.socket' }],
  ])('is found by its environment: %s', (_what, variables, expected) => {
    expect(findSocket(variables)).toMatchObject(expected);
  });

  it('has the remotes of lxc, and its default remote', async () => {
    await configureLxd('default-remote: far\nremotes: {far: {addr: "https://far.example", protocol: lxd}}');
    const folder = join(home, '.config/lxc');
    expect(await resolve('web01', lxd)).toMatchObject({
      ok: true,
      value: { kind: 'remote', product: 'LXD', remote: 'far', config: { address: 'https://far.example', folder } },
    });
    expect(await resolve('local:web01', lxd)).toMatchObject({
      ok: true,
      value: { kind: 'local', product: 'LXD', socket: '/srv/lxd/unix.socket' },
    });
  });

  it('LXC_REMOTE comes before the default remote of lxc, and means nothing on a host of Incus', async () => {
    await configureLxd(
      'default-remote: far\nremotes: {far: {addr: "https://f.example"}, near: {addr: "https://n.example"}}',
    );
    const chosen = { LXC_REMOTE: 'near' };
    expect(await resolve('web01', { ...lxd, ...chosen })).toMatchObject({ ok: true, value: { remote: 'near' } });
    expect(await resolve('web01', chosen)).toMatchObject({ ok: true, value: { kind: 'local', product: 'Incus' } });
  });

  it('a remote of the system has the certificate of its server there, and that of the client in the folder of the user', async () => {
    await configure('remotes: {far: {addr: "https://far.example"}, own: {addr: "https://a.example"}}', 'system');
    await configureLxd('remotes: {own: {addr: "https://own.example"}}');
    const [user, system] = [join(home, '.config/lxc'), join(home, 'system')];
    const conf = { ...lxd, LXD_GLOBAL_CONF: system };
    expect(await resolve('far:a', conf)).toMatchObject({
      ok: true,
      value: { config: { folder: user, source: system } },
    });
    expect(await resolve('own:a', conf)).toMatchObject({ ok: true, value: { config: { folder: user, source: user } } });
  });

  it('LXD_CONF names the folder of its client, the snap has one of its own', async () => {
    const ofSnap = join(home, 'snap/lxd/common/config');
    await mkdir(ofSnap, { recursive: true });
    await writeFile(join(ofSnap, 'config.yml'), 'remotes: {snapped: {addr: "https://s.example"}}');
    await mkdir(join(home, 'conf'));
    await configure('remotes: {mine: {addr: "https://mine.example"}}', 'conf');
    expect(await resolve('snapped:a', lxd)).toMatchObject({ ok: true, value: { remote: 'snapped' } });
    const conf = { ...lxd, LXD_CONF: join(home, 'conf') };
    expect(await resolve('mine:a', conf)).toMatchObject({ ok: true, value: { remote: 'mine' } });
  });

  it('a remote that only the other client knows is found as well', async () => {
    await configure(remotes);
    await configureLxd('remotes: {old: {addr: "https://old.example"}}');
    expect(await resolve('old:a')).toMatchObject({ ok: true, value: { product: 'LXD', remote: 'old' } });
    expect(await resolve('prod:a', lxd)).toMatchObject({ ok: true, value: { product: 'Incus', remote: 'prod' } });
  });

  it('an unknown remote is told in the words of lxc', async () => {
    expect(await resolve('fra:a', lxd)).toMatchObject({
      ok: false,
      error: { advice: 'Known remotes: local. Add one with `lxc remote add`.' },
    });
  });
});
