#!/bin/bash
# Small packages for each package manager, in local repositories below /srv. Runs inside a test's container.
#
#   guard-one, -two, -three  an /opt file each; guard-one also as version 2.0
#   guard-breaks             breaks what the test's check asks for, and succeeds
#   guard-fails              needs guard-one, and fails when that one is there already
#   guard-slow               says that it is under way, and then takes its time
set -euo pipefail
under_way='touch /root/under-way; sleep 10'

each() {
  "$1" guard-one 1.0 '' ''
  "$1" guard-one 2.0 '' ''
  "$1" guard-two 1.0 '' ''
  "$1" guard-three 1.0 '' ''
  "$1" guard-breaks 1.0 'rm -f /etc/healthy' ''
  "$1" guard-fails 1.0 'exit 1' guard-one
  "$1" guard-slow 1.0 "$under_way" ''
}

deb() {
  local name=$1 version=$2 script=$3 needs=$4 tree
  tree=$(mktemp -d)
  mkdir -p "$tree/DEBIAN" "$tree/opt"
  echo "$version" >"$tree/opt/$name"
  printf 'Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: nobody <nobody@localhost>\nDescription: of the tests\n' \
    "$name" "$version" >"$tree/DEBIAN/control"
  [ -z "$needs" ] || echo "Depends: $needs" >>"$tree/DEBIAN/control"
  if [ -n "$script" ]; then
    # shellcheck disable=SC2016
    printf '#!/bin/sh\n[ "$1" = configure ] || exit 0\n%s\n' "$script" >"$tree/DEBIAN/postinst"
    chmod 755 "$tree/DEBIAN/postinst"
  fi
  dpkg-deb --root-owner-group -Zgzip -b "$tree" "/srv/deb/${name}_$version.deb" >/dev/null
  rm -rf "$tree"
}

deb_repository() {
  local file
  mkdir -p /srv/deb
  each deb
  cd /srv/deb
  for file in *.deb; do
    dpkg-deb -f "$file"
    printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "$file" "$(stat -c %s "$file")" "$(sha256sum "$file" | cut -d' ' -f1)"
  done >Packages
  printf 'Origin: guard-test\nLabel: guard-test\nSuite: stable\nSHA256:\n %s %s Packages\n' \
    "$(sha256sum Packages | cut -d' ' -f1)" "$(stat -c %s Packages)" >Release
  mkdir -p /root/sources
  mv /etc/apt/sources.list.d/* /root/sources
  echo 'deb [trusted=yes] file:/srv/deb ./' >/etc/apt/sources.list.d/test.list
  apt-get update -qq
}

rpm() {
  local name=$1 version=$2 script=$3 needs=$4 when=post
  # What fails before its files are laid down fails the transaction; rpm forgives what comes after.
  [ "$name" != guard-fails ] || when=pre
  {
    printf 'Name: %s\nVersion: %s\nRelease: 1\nSummary: of the tests\nLicense: none\nBuildArch: noarch\nAutoReqProv: no\n' "$name" "$version"
    [ -z "$needs" ] || printf 'Requires: %s\nRequires(pre): %s\n' "$needs" "$needs"
    printf '%%description\nof the tests\n%%install\nmkdir -p %%{buildroot}/opt\necho %s >%%{buildroot}/opt/%s\n' "$version" "$name"
    [ -z "$script" ] || printf '%%%s -p /bin/sh\n%s\n' "$when" "$script"
    printf '%%files\n/opt/%s\n' "$name"
  } >"/srv/rpm/$name.spec"
  rpmbuild --quiet -bb --define '_topdir /srv/rpm/build' --define '_rpmdir /srv/rpm/repository' "/srv/rpm/$name.spec" 2>/dev/null
}

rpm_repository() {
  mkdir -p /srv/rpm /etc/rpm /etc/yum.repos.d /etc/zypp/repos.d
  # Debian keeps root's rpm database at home: not so where rpm is the system's.
  echo '%_dbpath /var/lib/rpm' >/etc/rpm/macros
  each rpm
  printf 'Name: guard-shell\nVersion: 1\nRelease: 1\nSummary: of the tests\nLicense: none\nBuildArch: noarch\nProvides: /bin/sh\n%%description\nof the tests\n%%files\n' >/srv/rpm/shell.spec
  rpmbuild --quiet -bb --define '_topdir /srv/rpm/build' --define '_rpmdir /srv/rpm/repository' /srv/rpm/shell.spec 2>/dev/null
  createrepo_c -q /srv/rpm/repository
  printf '[test]\nname=test\nbaseurl=file:///srv/rpm/repository\ngpgcheck=0\nenabled=1\n' |
    tee /etc/yum.repos.d/test.repo >/etc/zypp/repos.d/test.repo
  command rpm -i --nodeps /srv/rpm/repository/noarch/guard-shell-1-1.noarch.rpm 2>/dev/null
}

alpm() {
  local name=$1 version=$2-1 script=$3 needs=$4 tree files='.PKGINFO opt'
  tree=$(mktemp -d)
  mkdir "$tree/opt"
  echo "$2" >"$tree/opt/$name"
  printf 'pkgname = %s\npkgver = %s\npkgdesc = of the tests\narch = any\nsize = 4\n' "$name" "$version" >"$tree/.PKGINFO"
  [ -z "$needs" ] || echo "depend = $needs" >>"$tree/.PKGINFO"
  if [ -n "$script" ]; then
    printf 'post_install() {\n%s\n}\n' "$script" >"$tree/.INSTALL"
    files=".PKGINFO .INSTALL opt"
  fi
  # shellcheck disable=SC2086
  tar -C "$tree" --zstd -cf "/srv/alpm/$name-$version-any.pkg.tar.zst" $files
  rm -rf "$tree"
}

alpm_repository() {
  mkdir -p /srv/alpm
  each alpm
  cd /srv/alpm
  repo-add -q test.db.tar.gz guard-*.pkg.tar.zst
  printf '[test]\nSigLevel = Never\nServer = file:///srv/alpm\n' >>/etc/pacman.conf
  pacman -Sy >/dev/null
}

for kind in "$@"; do
  "${kind}_repository"
done
touch /etc/healthy
