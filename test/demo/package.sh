#!/usr/bin/env bash
# Builds hello-web_VERSION.deb: a real small service, with a real maintainer script, that answers HTTP on port 80.
#   package.sh VERSION FOLDER
# 1.0 and 1.1 are good. 2.0 no longer knows the setting "greeting" of the configuration file and refuses to start; its
# package installs without an error all the same, as real packages do.
set -euo pipefail
version=${1:?version}
folder=${2:?folder}

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root/DEBIAN" "$root/usr/sbin" "$root/etc/hello-web" "$root/lib/systemd/system"
chmod 755 "$root"

cat >"$root/DEBIAN/control" <<CONTROL
Package: hello-web
Version: $version
Architecture: all
Depends: perl-base
Maintainer: guard's demo <nobody@localhost>
Description: answers every request with its greeting and its version
CONTROL
echo /etc/hello-web/hello-web.conf >"$root/DEBIAN/conffiles"
echo 'greeting = Hello' >"$root/etc/hello-web/hello-web.conf"

cat >"$root/DEBIAN/postinst" <<'POSTINST'
#!/bin/sh
set -e
systemctl daemon-reload
systemctl enable --quiet hello-web.service
systemctl restart hello-web.service || true
POSTINST
cat >"$root/DEBIAN/prerm" <<'PRERM'
#!/bin/sh
set -e
[ "$1" != remove ] || systemctl disable --quiet --now hello-web.service
PRERM
chmod 755 "$root/DEBIAN/postinst" "$root/DEBIAN/prerm"

cat >"$root/lib/systemd/system/hello-web.service" <<'UNIT'
[Unit]
Description=Hello on port 80
StartLimitIntervalSec=0

[Service]
ExecStart=/usr/sbin/hello-web
Restart=on-failure
RestartSec=1

[Install]
WantedBy=multi-user.target
UNIT

known='greeting'
[ "$version" != 2.0 ] || known='salutation'
cat >"$root/usr/sbin/hello-web" <<PROGRAM
#!/usr/bin/perl
use strict;
use IO::Socket::INET;
my %settings;
open(my \$file, '<', '/etc/hello-web/hello-web.conf') or die "no configuration: \$!\n";
while (<\$file>) {
  next unless /^(\w+)\s*=\s*(.*)\$/;
  die "unknown setting: \$1\n" unless \$1 eq '$known';
  \$settings{\$1} = \$2;
}
my \$listener = IO::Socket::INET->new(LocalPort => 80, Listen => 16, ReuseAddr => 1) or die "cannot listen: \$!\n";
while (my \$client = \$listener->accept) {
  my \$body = "\$settings{'$known'} from version $version\n";
  while (my \$line = <\$client>) { last if \$line =~ /^\r?\n\$/ }
  print \$client "HTTP/1.0 200 OK\r\nContent-Length: " . length(\$body) . "\r\n\r\n\$body";
  close \$client;
}
PROGRAM
chmod 755 "$root/usr/sbin/hello-web"

dpkg-deb --root-owner-group --build "$root" "$folder/hello-web_$version.deb" >/dev/null
