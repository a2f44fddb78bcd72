import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { changesBetween } from '../../src/health/changes.ts';
import { compareFacts } from '../../src/health/compare.ts';
import type { Facts } from '../../src/health/facts.ts';
import { booted, inside, look, lookUntil } from './instance-facts.ts';
import { launch, openTestIncus, remove } from './incus-subject.ts';

const { platform, close } = openTestIncus();
const instance = 'facts-packages';

/** Debian's own builds of rpm and pacman keep real databases; dpkg's goes out of their way. */
beforeAll(async () => {
  await launch(instance);
  await lookUntil(platform, instance, booted);
  await inside(
    instance,
    `export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -qq --no-install-recommends rpm pacman-package-manager zstd >/dev/null
mv /var/lib/dpkg/status /root/dpkg-status`,
  );
}, 300_000);

afterAll(async () => {
  await remove(instance);
  close();
});

const packagesOf = (before: Facts, after: Facts) => changesBetween(before, after).packages;

const findings = (before: Facts, after: Facts): string[] => compareFacts(before, after).map(({ message }) => message);

describe('a container whose packages are kept by rpm', () => {
  const build = (version: string): string => `
mkdir -p /root/rpm && cd /root/rpm
cat >one.spec <<SPEC
Name: guard-test
Version: ${version}
Release: 1
Summary: A package of the tests
License: none
BuildArch: noarch
%description
A package of the tests
%install
mkdir -p %{buildroot}/opt && echo ${version} >%{buildroot}/opt/guard-test
%files
/opt/guard-test
SPEC
rpmbuild --quiet -bb --define '_topdir /root/rpm' one.spec`;
  const file = (version: string) => `/root/rpm/RPMS/noarch/guard-test-${version}-1.noarch.rpm`;

  test('an upgrade is told, and a version installed beside the old one is what a broken transaction leaves', async () => {
    await inside(instance, `${build('1.0')}\n${build('2.0')}\nrpm -i --nodeps ${file('1.0')}`);
    const before = await look(platform, instance);
    expect(before.packages).toMatchObject({ manager: 'rpm', installed: { 'guard-test': '1.0-1' }, broken: {} });

    await inside(instance, `rpm -U --nodeps ${file('2.0')}`);
    const upgraded = await look(platform, instance);
    expect(packagesOf(before, upgraded)).toEqual([{ name: 'guard-test', from: '1.0-1', to: '2.0-1' }]);
    expect(findings(before, upgraded)).toEqual([]);

    await inside(instance, `rpm -i --nodeps --force --oldpackage ${file('1.0')}`);
    expect(findings(before, await look(platform, instance))).toEqual(['package guard-test is installed twice']);
    await inside(instance, 'rm -rf /var/lib/rpm /usr/lib/sysimage/rpm');
  });
});

describe('a container whose packages are kept by pacman', () => {
  const build = (version: string): string => `
rm -rf /root/pac && mkdir -p /root/pac/opt && cd /root/pac
echo ${version} >opt/pacman-test
printf '%s\\n' 'pkgname = guard-test' 'pkgver = ${version}' 'pkgdesc = of the tests' 'arch = any' 'size = 4' >.PKGINFO
tar --zstd -cf /root/guard-test-${version}.pkg.tar.zst .PKGINFO opt`;
  const install = (version: string) => `pacman -U --noconfirm /root/guard-test-${version}.pkg.tar.zst`;

  test('an upgrade is told, and so is a transaction that was cut off', async () => {
    // Again from nothing, where it is tried once more.
    await inside(instance, 'rm -rf /var/lib/pacman/db.lck /var/lib/pacman/local/guard-test-* /opt/pacman-test');
    await inside(instance, `${build('1.0-1')}\n${build('2.0-1')}\n${install('1.0-1')}`);
    const before = await look(platform, instance);
    expect(before.packages).toMatchObject({ manager: 'pacman', installed: { 'guard-test': '1.0-1' }, broken: {} });

    await inside(instance, install('2.0-1'));
    const upgraded = await look(platform, instance);
    expect(packagesOf(before, upgraded)).toEqual([{ name: 'guard-test', from: '1.0-1', to: '2.0-1' }]);
    expect(findings(before, upgraded)).toEqual([]);

    // pacman holds its lock as a file, which one that was killed leaves behind (F24).
    await inside(instance, 'touch /var/lib/pacman/db.lck; rm /var/lib/pacman/local/guard-test-2.0-1/desc');
    expect(findings(before, await look(platform, instance))).toEqual([
      'package guard-test is without a description in the database',
      'pacman was interrupted in the middle of its work',
    ]);
  });
});
