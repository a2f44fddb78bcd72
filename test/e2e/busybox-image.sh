#!/bin/sh
# Builds an image of nothing but BusyBox (its init, a shell, a web server) and imports it as guard-busybox.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get download -qq busybox-static >/dev/null
dpkg -x busybox-static_*.deb package
root=$work/rootfs
mkdir -p "$root/bin" "$root/sbin" "$root/etc" "$root/proc" "$root/sys" "$root/dev" "$root/run" "$root/tmp" \
  "$root/root" "$root/www" "$root/usr/bin" "$root/usr/sbin" "$root/var/spool/cron/crontabs"
cp package/bin/busybox "$root/bin/busybox"
for applet in $("$root/bin/busybox" --list); do
  [ -e "$root/bin/$applet" ] || ln -s /bin/busybox "$root/bin/$applet"
done
ln -s /bin/busybox "$root/sbin/init"
cat >"$root/etc/inittab" <<'INITTAB'
::sysinit:/etc/start
::respawn:/etc/web
::respawn:/bin/crond -f
INITTAB
cat >"$root/etc/start" <<'START'
#!/bin/sh
ip link set lo up
ip link set eth0 up
syslogd
START
cat >"$root/etc/web" <<'WEB'
#!/bin/sh
exec httpd -f -p 8080 -h /www
WEB
chmod +x "$root/etc/start" "$root/etc/web"
echo 'root:x:0:0::/root:/bin/sh' >"$root/etc/passwd"
echo 'root:x:0:' >"$root/etc/group"
printf 'architecture: %s\ncreation_date: 1700000000\nproperties: {os: BusyBox}\n' "$(uname -m)" >metadata.yaml
tar -cf image.tar metadata.yaml rootfs
incus image delete guard-busybox >/dev/null 2>&1 || true
incus image import image.tar --alias guard-busybox >/dev/null
