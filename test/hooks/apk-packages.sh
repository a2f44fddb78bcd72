#!/bin/sh
# The packages of packages.sh for the real apk (version 3), in a container of nothing but BusyBox.
set -eu
mkdir -p /srv/apk /opt /etc/apk
cd /srv/apk

make() {
  name=$1 version=$2 script=$3 needs=$4
  rm -rf tree
  mkdir -p tree/opt
  echo "$version" >"tree/opt/$name"
  set -- --info "name:$name" --info "version:$version-r0" --info arch:noarch --files tree --output "$name-$version-r0.apk"
  [ -z "$needs" ] || set -- "$@" --info "depends:$needs"
  if [ -n "$script" ]; then
    printf '#!/bin/sh\n%s\n' "$script" >script
    set -- "$@" --script post-install:script
  fi
  apk mkpkg "$@"
}

make guard-one 1.0 '' ''
make guard-two 1.0 '' ''
make guard-three 1.0 '' ''
make guard-breaks 1.0 'rm -f /etc/healthy' ''
make guard-fails 1.0 'exit 1' guard-one
apk --allow-untrusted mkndx --output packages.adb ./*.apk
apk add --initdb
echo /srv/apk/packages.adb >/etc/apk/repositories
touch /etc/healthy
