import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readReadiness } from '../../src/health/ready-probe.ts';

const stat = (name: string, ticks: number): string =>
  `1 (${name}) S 0 1 1 0 -1 4194560 5 6 7 8 9 10 11 12 20 0 1 0 ${ticks} 100 200`;

const booting = (text: string): string | null => readReadiness(text).boot;

describe('what is said of the boot', () => {
  it.each(['running', 'degraded', 'maintenance'])('systemd %s is over', (state) => {
    expect(booting(`systemd ${state}\n`)).toBeNull();
  });

  it.each(['initializing', 'starting', 'offline', 'unknown', 'early', ''])('systemd "%s" is not', (state) => {
    expect(booting(`systemd ${state}\n`)).toBe('systemd is still starting');
  });

  it('names the jobs that it waits for, three of them', () => {
    expect(booting('systemd starting\njob a.service\njob b.service\njob c.service\njob d.service\n')).toBe(
      'systemd is still starting (a.service, b.service, c.service)',
    );
    expect(booting('systemd stopping\n')).toBe('systemd is stopping');
  });

  it('knows the runlevels of OpenRC', () => {
    expect(booting('openrc default over\n')).toBeNull();
    expect(booting('openrc boot over\n')).toBe('OpenRC is still starting');
    expect(booting('openrc default starting\njob nginx\n')).toBe('OpenRC is still starting (nginx)');
  });

  it('measures the age of process 1 where nobody else can say', () => {
    const plain = readReadiness(`none\none ${stat('sh ) 1', 5000)}\nself ${stat('sh', 5150)}\n`);
    expect(plain).toEqual({ boot: null, managed: false, ageMs: 1500, locks: [] });
  });
});

describe('what is said of locks', () => {
  it('names who holds what, once', () => {
    const { locks } = readReadiness(
      'systemd running\nlock 77 /var/lib/dpkg/lock apt get\nlock 77 /var/lib/dpkg/lock apt get\nlock 0 /var/lib/pacman/db.lck pacman\n',
    );
    expect(locks).toEqual([
      'apt get (process 77) holds /var/lib/dpkg/lock',
      '/var/lib/pacman/db.lck exists, which pacman leaves while it works',
    ]);
  });
});

describe('whatever comes', () => {
  it('nothing is pending where there is no shell to say so', () => {
    expect(readReadiness('')).toMatchObject({ boot: null, managed: true, locks: [] });
  });

  it('is bounded and safe to print', () => {
    const word = fc.constantFrom('systemd', 'openrc', 'none', 'job', 'lock', 'one', 'self', 'other');
    const line = fc.tuple(word, fc.string({ unit: 'binary' })).map((words) => words.join(' '));
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const { boot, locks } = readReadiness(lines.join('\n'));
        const phrases = [boot ?? '', ...locks];
        expect(phrases.every((phrase) => phrase.length < 2000)).toBe(true);
        expect(phrases.some((phrase) => /\p{Cc}/u.test(phrase))).toBe(false);
      }),
    );
  });
});
