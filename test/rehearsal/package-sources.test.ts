import { describe, expect, test } from 'vitest';
import { hostsOfSources, isLoopback } from '../../src/rehearsal/package-sources.ts';

const hosts = (text: string): string[] => [...hostsOfSources(text)].toSorted();

describe('the hosts of package sources', () => {
  test.each([
    ['apt, one line', 'deb [signed-by=/k.gpg] http://Deb.Example.org/debian bookworm main', ['deb.example.org']],
    [
      'apt, deb822',
      'Types: deb\nURIs: https://a.example/debian http://b.example:8080/x\nSuites: s',
      ['a.example', 'b.example', 'b.example:8080'],
    ],
    ['apt by tor or mirror list', 'deb mirror+https://mirrors.example/list.txt bookworm main', ['mirrors.example']],
    [
      'dnf',
      '[base]\nbaseurl=https://dl.example/$releasever/os\n#baseurl=https://old.example/\nmetalink=https://meta.example/?repo=x&arch=y',
      ['dl.example', 'meta.example'],
    ],
    [
      'the mirrors that dnf remembers',
      '<url protocol="https" type="https">https://m.example/os/repodata/repomd.xml</url>',
      ['m.example'],
    ],
    ['zypper', 'baseurl=http://download.example/update/', ['download.example']],
    ['pacman', 'Server = https://geo.example/$repo/os/$arch', ['geo.example']],
    ['apk', 'https://dl-cdn.example/alpine/v3.20/main\n#https://x.example/testing', ['dl-cdn.example']],
    ['a password', 'deb https://user:secret@private.example/debian s main', ['private.example']],
    [
      'an address',
      'deb http://192.0.2.7/debian s main\ndeb http://[2001:db8::1]:81/debian s main',
      ['192.0.2.7', '[2001:db8::1]', '[2001:db8::1]:81'],
    ],
    ['a variable as the host', 'baseurl=https://$mirror/os', []],
    ['files and discs', 'deb file:/srv/mirror s main\ndeb cdrom:[Debian]/ s main', []],
  ])('of %s', (_what, text, expected) => {
    expect(hosts(text)).toEqual(expected);
  });

  test.each(['localhost', 'apt.localhost', '127.0.0.1', '127.1.2.3', '0.0.0.0', '[::1]', '[::]', '[::ffff:7f00:1]'])(
    '%s is guard’s own machine to the proxy, and never a source',
    (host) => {
      expect(isLoopback(host)).toBe(true);
      expect(hosts(`deb http://${host}:3142/debian s main`)).toEqual([]);
    },
  );
});
