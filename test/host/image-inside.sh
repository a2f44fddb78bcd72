#!/usr/bin/env bash
# image-inside.sh BUILD INIT SUITE URI KEYRING: a Debian with the INIT systemd or openrc in BUILD/rootfs, then BUILD/metadata.tar and BUILD/rootfs.squashfs.
# Runs in a mount namespace of its own. BUILD/debian.sources are the sources that the image shall have.
set -euo pipefail
build=$1 init=$2 suite=$3 uri=$4 keyring=$5
root=$build/rootfs

main() {
  bootstrap
  configure_apt
  configure_network
  configure_system
  pack
}

bootstrap() {
  local packages=ifupdown,iproute2,iputils-ping,procps,less,ca-certificates,netbase,debian-archive-keyring
  # The client that the release's own ifupdown prefers. Newer systemd only recommends kmod, but its units need it.
  case $suite in bookworm) packages+=,isc-dhcp-client ;; *) packages+=,dhcpcd-base,kmod ;; esac
  # debootstrap cannot choose between packages, as OpenRC needs it.
  if [ "$init" = systemd ]; then packages+=,systemd,systemd-sysv,dbus; fi
  debootstrap --variant=minbase --keyring="$keyring" --include="$packages" "$suite" "$root" "$uri" "$(bootstrap_script)"
}

# An older debootstrap does not know the names of newer releases, but all are made in the same way.
bootstrap_script() {
  local scripts=/usr/share/debootstrap/scripts
  if [ -e "$scripts/$suite" ]; then printf '%s\n' "$scripts/$suite"; else printf '%s\n' "$scripts/sid"; fi
}

configure_apt() {
  rm -f "$root/etc/apt/sources.list"
  cp "$build/debian.sources" "$root/etc/apt/sources.list.d/debian.sources"
  copy_keyrings
  mount -t proc proc "$root/proc"
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod 755 "$root/usr/sbin/policy-rc.d"
  cp --remove-destination /etc/resolv.conf "$root/etc/resolv.conf"
  # The lists stay, so that apt-get install works at once; translations would only make the image larger.
  inside apt-get -o Acquire::Languages=none update
  inside apt-get -y dist-upgrade
  if [ "$init" = openrc ]; then inside apt-get -y --no-install-recommends install openrc sysvinit-core initscripts; fi
  inside apt-get clean
  rm -f "$root/usr/sbin/policy-rc.d"
  umount "$root/proc"
}

inside() { chroot "$root" env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"; }

copy_keyrings() {
  local file
  sed -n 's/^Signed-By: //p' "$build/debian.sources" | sort -u | while read -r file; do
    [ -e "$root$file" ] || install -D -m 644 "$file" "$root$file"
  done
  # With https the machine may trust an authority of its own.
  if grep -q '^URIs: https' "$build/debian.sources" && compgen -G '/usr/local/share/ca-certificates/*.crt' >/dev/null; then
    cp /usr/local/share/ca-certificates/*.crt "$root/usr/local/share/ca-certificates/"
    inside update-ca-certificates
  fi
}

configure_network() {
  cat >"$root/etc/network/interfaces" <<'EOF'
auto lo
iface lo inet loopback

auto eth0
iface eth0 inet dhcp
EOF
  : >"$root/etc/resolv.conf"
  # dhcpcd looks for six seconds whether someone else has the address, and for routers of IPv6.
  [ ! -e "$root/etc/dhcpcd.conf" ] || printf 'ipv4only\nnoarp\nnodelay\n' >>"$root/etc/dhcpcd.conf"
}

configure_system() {
  printf 'LANG=C.UTF-8\n' >"$root/etc/default/locale"
  # Empty: each container gets its own at its first start.
  : >"$root/etc/machine-id"
  rm -f "$root/var/lib/dbus/machine-id" "$root"/var/log/*.log "$root"/var/log/apt/*
  # Updates by themselves would take dpkg's lock in the middle of a test.
  rm -f "$root"/etc/systemd/system/timers.target.wants/apt-daily*.timer
  [ ! -e "$root/etc/inittab" ] || configure_inittab
}

# A container has no virtual terminals, only a console; and Incus asks for its end as a failing power supply does.
configure_inittab() {
  sed -i -e '/getty.* tty[2-6]/d' -e 's/^1:\(.*\) tty1.*/1:\1 console/' \
    -e 's#^pf::powerwait:.*#pf::powerwait:/sbin/shutdown -h now#' "$root/etc/inittab"
}

pack() {
  mkdir -p "$build/templates"
  printf '{{ container.name }}\n' >"$build/templates/hostname.tpl"
  printf '127.0.0.1\tlocalhost\n127.0.1.1\t{{ container.name }}\n::1\tlocalhost ip6-localhost ip6-loopback\n' >"$build/templates/hosts.tpl"
  cat >"$build/metadata.yaml" <<EOF
architecture: $(uname -m)
creation_date: $(date +%s)
properties:
  os: Debian
  release: $suite
  description: Debian $suite with $init for the tests of incus-guard
templates:
  /etc/hostname: {when: [create, copy], create_only: false, template: hostname.tpl}
  /etc/hosts: {when: [create, copy], create_only: false, template: hosts.tpl}
EOF
  tar -C "$build" -cf "$build/metadata.tar" metadata.yaml templates
  mksquashfs "$root" "$build/rootfs.squashfs" -noappend -no-progress -comp zstd -Xcompression-level 6
}

main
