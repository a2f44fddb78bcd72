# shellcheck shell=bash
# What the machine must have, and what is added to it: packages, one apt source, id ranges, two kernel settings.
# Everything added is noted in $machine, and taken back by forget_machine. Sourced by host.sh.

require_root() { [ "$(id -u)" -eq 0 ] || fail "root is needed: a daemon of Incus makes mounts, bridges and containers"; }

# Asks the kernel for everything an unprivileged system container on btrfs needs; one sentence on the first thing that lacks.
check_kernel() {
  [ "$(uname -s)" = Linux ] || fail "Linux is needed"
  command -v apt-get >/dev/null || fail "Debian is needed (there is no apt-get here)"
  unshare --mount true 2>/dev/null || fail "mounting is not allowed here (CAP_SYS_ADMIN lacks): a machine or VM is needed, not an unprivileged container"
  kernel_has_filesystem cgroup2 || fail "the kernel has no cgroup2, which systemd in containers needs"
  kernel_has_filesystem btrfs || fail "the kernel has no btrfs (no module either), which the storage pool needs"
  [ -e /dev/loop-control ] || modprobe loop 2>/dev/null || fail "the kernel has no loop devices, which the storage pool needs"
  [ "$(cat /proc/sys/user/max_user_namespaces 2>/dev/null || echo 0)" -gt 0 ] ||
    fail "user namespaces are turned off (sysctl user.max_user_namespaces), which unprivileged containers need"
}

# After the packages, because ip and nft come with them.
check_network() {
  local probe=gt-probe$$
  ip link add name "${probe:0:15}" type bridge 2>/dev/null || fail "the kernel makes no bridges (module bridge), which the containers' network needs"
  ip link delete "${probe:0:15}"
  ip link add name "v${probe:0:13}" type veth 2>/dev/null || fail "the kernel makes no veth pairs (module veth), which the containers' network needs"
  ip link delete "v${probe:0:13}"
  nft list tables >/dev/null 2>&1 || fail "nftables does not work in this kernel, which NAT for the containers needs"
}

kernel_has_filesystem() {
  grep -qw "$1" /proc/filesystems || { modprobe "$1" 2>/dev/null && grep -qw "$1" /proc/filesystems; }
}

plain_packages="btrfs-progs debootstrap squashfs-tools uidmap dnsmasq-base nftables iproute2"

install_packages() {
  heal_installation
  local missing=()
  local package
  for package in $plain_packages; do package_installed "$package" || missing+=("$package"); done
  find_incusd >/dev/null && command -v incus >/dev/null || missing+=(incus-base incus-client)
  [ "${#missing[@]}" -gt 0 ] || return 0

  say "installing ${missing[*]}"
  require_suites
  mkdir -p "$machine"
  [ -e "$machine/subuid.before" ] || remember_id_ranges
  installed_packages >"$machine/packages.now"
  apt-get update -qq >&2 || say "apt-get update failed; going on with the lists that are here"
  local from=()
  [[ " ${missing[*]} " != *" incus-base "* ]] || add_backports_where_needed
  trap restore_policy EXIT
  forbid_starting_daemons
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq -o DPkg::Lock::Timeout=300 --no-install-recommends "${from[@]}" "${missing[@]}" \
    >"$state_root/apt.log" 2>&1 </dev/null || fail "apt-get install ${missing[*]} failed; see $state_root/apt.log: $(grep -m1 '^E:' "$state_root/apt.log")"
  restore_policy
  trap - EXIT
  note_new_packages
  keep_new_daemons_off
}

installed_packages() { dpkg-query -W -f '${Package} ${db:Status-Status}\n' | sed -n 's/ installed$//p' | sort -u; }
package_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

note_new_packages() {
  touch "$machine/packages"
  installed_packages | comm -13 "$machine/packages.now" - | sort -u - "$machine/packages" >"$machine/packages.new"
  mv "$machine/packages.new" "$machine/packages"
  rm -f "$machine/packages.now"
}

# bookworm has Incus only in backports: that suite comes from wherever the machine gets its base suite.
# Sets `from` of the caller, because a package of backports has to be asked for by name of the suite.
add_backports_where_needed() {
  local uri release label components entry known
  [ -z "$(apt-cache policy incus-base | grep '^  Candidate: [0-9]' || true)" ] || return 0
  IFS='|' read -r uri release label components entry <<<"$(base_suite)"
  # Here as well: a list that could not be fetched is not known as a suite of Debian's.
  known=" $(apt-get indextargets --format '$(RELEASE)' 'Created-By: Packages' | tr '\n' ' ')"
  if [[ $known != *" $release-backports "* ]]; then
    say "adding the suite $release-backports to apt's sources ($added_source)"
    {
      printf '# Added by the tests of incus-guard; `test/host/host.sh down --purge` removes it.\n'
      deb822_source "$uri" "$release-backports" main "$(signed_by "$entry")"
    } >"$added_source"
    apt-get update -qq --error-on=any >&2 || {
      rm -f "$added_source"
      fail "apt-get update failed with the suite $release-backports, which has Incus for this release"
    }
  fi
  # shellcheck disable=SC2034
  from=(-t "$release-backports")
}

# The package's own daemon on /var/lib/incus is not wanted: neither now …
policy=/usr/sbin/policy-rc.d
forbid_starting_daemons() {
  [ ! -e "$policy" ] || mv "$policy" "$policy.before-guard-test"
  printf '#!/bin/sh\n# incus-guard-test\nexit 101\n' >"$policy"
  chmod 755 "$policy"
}
restore_policy() {
  ! grep -qs '^# incus-guard-test$' "$policy" || rm -f "$policy"
  [ ! -e "$policy.before-guard-test" ] || mv "$policy.before-guard-test" "$policy"
}

# … nor at the next boot. A daemon that was here before stays as it is.
keep_new_daemons_off() {
  local unit
  if grep -qx incus-base "$machine/packages"; then
    for unit in incus.socket incus.service incus-startup.service incus-user.socket incus-user.service; do keep_off "$unit"; done
  fi
  if grep -qx lxcfs "$machine/packages"; then keep_off lxcfs.service; fi
}
keep_off() {
  deb-systemd-helper disable "$1" >/dev/null 2>&1 || true
  [ ! -x "/etc/init.d/${1%.*}" ] || update-rc.d "${1%.*}" disable >/dev/null 2>&1 || true
}

# What a killed installation left.
heal_installation() {
  restore_policy
  [ ! -e "$machine/packages.now" ] || note_new_packages
  [ -z "$(dpkg --audit 2>/dev/null)" ] || DEBIAN_FRONTEND=noninteractive dpkg --configure -a >&2
}

find_incusd() {
  local found
  for found in /usr/libexec/incus/incusd /usr/lib/incus/incusd; do
    [ ! -x "$found" ] || { printf '%s\n' "$found"; return; }
  done
  return 1
}

# Incus maps containers into the range that /etc/subuid gives to root.
ensure_id_ranges() {
  local file
  mkdir -p "$machine"
  [ -e "$machine/subuid.before" ] || remember_id_ranges
  for file in subuid subgid; do
    grep -qs '^root:' "/etc/$file" || printf 'root:1000000:1000000000\n' >>"/etc/$file"
  done
}
remember_id_ranges() {
  local file
  for file in subuid subgid; do grep -s '^root:' "/etc/$file" >"$machine/$file.before" || true; done
}
forget_id_ranges() {
  local file line
  for file in subuid subgid; do
    [ -e "$machine/$file.before" ] || continue
    grep '^root:' "/etc/$file" | while read -r line; do
      grep -qxF "$line" "$machine/$file.before" || sed -i "\\|^$line\$|d" "/etc/$file"
    done
  done
}

# Forwarding for NAT; inotify because every systemd takes several instances and all containers share root's count.
ensure_kernel_settings() {
  raise_setting net.ipv4.ip_forward 1
  raise_setting fs.inotify.max_user_instances 1024
}
raise_setting() {
  local file=/proc/sys/${1//.//} now
  now=$(cat "$file")
  [ "$now" -lt "$2" ] || return 0
  [ -e "$machine/$1" ] || printf '%s\n' "$now" >"$machine/$1"
  printf '%s\n' "$2" >"$file"
}
restore_kernel_settings() {
  local setting
  for setting in net.ipv4.ip_forward fs.inotify.max_user_instances; do
    [ -e "$machine/$setting" ] || continue
    # Someone else's bridge may need forwarding by now.
    [ "$setting" != net.ipv4.ip_forward ] || [ -z "$(ip -o link show type bridge)" ] || continue
    cat "$machine/$setting" >"/proc/sys/${setting//.//}"
  done
}

# After the last host is gone: id ranges and kernel settings; with `purge` also packages, apt source and cache.
forget_machine() {
  restore_kernel_settings
  forget_id_ranges
  rm -f "$machine"/*.before "$machine"/net.* "$machine"/fs.*
  [ "${1:-}" = purge ] || return 0
  purge_packages
  rm -rf "$cache_root"
  if [ -e "$added_source" ]; then
    rm -f "$added_source"
    apt-get update -qq >&2 || true
  fi
}

purge_packages() {
  local packages
  [ -s "$machine/packages" ] || return 0
  mapfile -t packages <"$machine/packages"
  if [ -e /var/lib/incus/database ] || others_need "${packages[@]}"; then
    say "the packages that were added stay, because something else uses them now: ${packages[*]}"
    return 0
  fi
  say "removing the packages that were added"
  trap restore_policy EXIT
  forbid_starting_daemons
  DEBIAN_FRONTEND=noninteractive apt-get purge -y -qq "${packages[@]}" >"$state_root/apt.log" 2>&1 </dev/null ||
    fail "apt-get purge failed; see $state_root/apt.log"
  restore_policy
  trap - EXIT
  rm -f "$machine/packages"
}

# Whether removing the packages would remove more than them.
others_need() {
  [ -n "$(apt-get purge -s "$@" | sed -n 's/^\(Purg\|Remv\) \([^ ]*\).*/\2/p' | sort -u | comm -23 - "$machine/packages")" ]
}
