# shellcheck shell=bash
# What is set up in a daemon: pools, bridge, profile; and how the machine gets rid of them. Sourced by host.sh.

set_up_incus() {
  # An exec that is still open would hold up a stop of the daemon for five minutes.
  on_host incus config set core.shutdown_timeout=1
  exists storage default || on_host incus storage create default btrfs size="$pool_size" >/dev/null
  exists network "$bridge" || create_network
  has_firewall_rules || renew_firewall_rules
  # systemd gives each service a keyring; kernels drop root's from time to time when many containers start, and a unit
  # fails with "Required key not available". Without keyctl systemd does without, as it does under nspawn and Docker.
  on_host incus profile edit default <<EOF
description: what containers of the tests have
config:
  security.syscalls.deny: keyctl errno 38
$(proxy_settings)
devices:
  root: {type: disk, path: /, pool: default}
  eth0: {type: nic, name: eth0, network: $bridge}
EOF
}

exists() { on_host incus "$1" show "$2" >/dev/null 2>&1; }

ensure_dir_pool() { exists storage dirpool || on_host incus storage create dirpool dir >/dev/null; }

create_network() {
  local subnet
  lock_machine
  subnet=$(free_subnet)
  on_host incus network create "$bridge" --type bridge ipv4.address="$subnet.1/24" ipv4.nat=true ipv6.address=none \
    bridge.mtu="$(uplink_mtu)" dns.domain=guard >/dev/null
  printf '%s\n' "$subnet" >"$home/subnet"
  unlock_machine
}

# Some firewalls flush everything when they start, and Incus does not notice.
has_firewall_rules() {
  nft list chain inet incus "fwd.$bridge" >/dev/null 2>&1 || [ -n "$(iptables -S FORWARD 2>/dev/null | grep -F "Incus network $bridge\"")" ]
}
renew_firewall_rules() {
  on_host incus network set "$bridge" ipv4.nat=false
  on_host incus network set "$bridge" ipv4.nat=true
}

# The first 10.86.x that no route of the machine and no other host has.
free_subnet() {
  local third taken
  for third in $(seq 1 254); do
    taken=$(ip -4 route show table all root "10.86.$third.0/24"; ip -4 route show table all match "10.86.$third.0/24" | sed '/^default/d')
    [ -z "$taken" ] && ! grep -qsx "10.86.$third" "$state_root"/*/subnet || continue
    printf '10.86.%s\n' "$third"
    return
  done
  fail "every subnet of 10.86.0.0/16 is taken on this machine"
}

# A bridge with larger packets than the way out takes loses them.
uplink_mtu() {
  local device
  device=$(ip -4 route show default | sed -n 's/.* dev \([^ ]*\).*/\1/p' | head -n1)
  cat "/sys/class/net/${device:-lo}/mtu" 2>/dev/null | awk '{ print ($1 >= 1280 && $1 < 1500) ? $1 : 1500 }'
}

# The machine's way through a proxy, for commands inside. A proxy on the machine itself is at the bridge's address from there.
proxy_settings() {
  local http https gateway
  http=$(machine_proxy http "${http_proxy:-}")
  https=$(machine_proxy https "${https_proxy:-}")
  [ -n "$http$https" ] || return 0
  gateway=$(cat "$home/subnet").1
  {
    [ -z "$http" ] || printf '  environment.http_proxy: "%s"\n' "$http"
    [ -z "$https" ] || printf '  environment.https_proxy: "%s"\n' "$https"
  } | sed "s#//\\(localhost\\|127\\.0\\.0\\.1\\|\\[::1\\]\\)\\([:/\"]\\)#//$gateway\\2#"
}
machine_proxy() {
  local proxy=
  eval "$(apt-config shell proxy "Acquire::$1::Proxy")"
  [ "$proxy" != DIRECT ] || { printf ''; return; }
  printf '%s' "${proxy:-$2}"
}

# A firewall of somebody else that drops what is forwarded cannot be overruled by our own rules: say so.
warn_of_firewall() {
  local dropping
  dropping=$(nft list chains 2>/dev/null | awk '/^table/ { table = $2 " " $3 } /hook forward/ && /policy drop/ { print table; exit }')
  [ -z "$dropping" ] || say "warning: the firewall (nft table $dropping) drops forwarded packets; containers may not get out"
}

# The containers' interfaces: on the bridge now, named in a container's configuration, or with the address of a container
# (which is what comes back to the machine when a container ends while no daemon runs).
own_interfaces() {
  local addresses each
  addresses=$({ cat "$incus_dir"/{run,logs}/*/lxc.conf "$incus_dir/networks/$bridge/dnsmasq."{leases,hosts/*} 2>/dev/null || true; } |
    { grep -oiE '([0-9a-f]{2}:){5}[0-9a-f]{2}' || true; } | sort -u)
  {
    { ip -o link show master "$bridge" 2>/dev/null || true; } | sed 's/^[0-9]*: \([^:@]*\).*/\1/'
    [ -z "$addresses" ] || ip -o link show type veth | { grep -F "$addresses" || true; } | sed 's/^[0-9]*: \([^:@]*\).*/\1/'
    { cat "$incus_dir"/{run,logs}/*/lxc.conf 2>/dev/null || true; } | sed -n 's/^lxc\.net\.[0-9]*\.link = //p'
    # Bridges that guard had this daemon create for its copies.
    for each in "$incus_dir"/networks/*/dnsmasq.pid; do [ ! -e "$each" ] || basename "$(dirname "$each")"; done
  } | sort -u
}

# remove_network INTERFACES: the bridge, what was on it, and what Incus told the firewall about it.
remove_network() {
  local each
  for each in "$bridge" $1; do ip link delete "$each" 2>/dev/null || true; done
  if command -v nft >/dev/null; then remove_nft_chains; fi
  if command -v iptables >/dev/null; then remove_iptables_rules; fi
}

remove_nft_chains() {
  local chain
  for chain in $(nft list table inet incus 2>/dev/null | sed -n "s/^[[:space:]]*chain \\([a-z]*\\.$bridge\\) .*/\\1/p"); do
    nft "flush chain inet incus $chain; delete chain inet incus $chain"
  done
  # The table is common to all daemons; without a chain it means nothing.
  # (Not piped into grep -q: what that cuts off fails by SIGPIPE, and would look like an empty table.)
  [ "$(host_names)" = "$name" ] || return 0
  case $(nft list table inet incus 2>/dev/null) in *chain*) ;; *) nft delete table inet incus 2>/dev/null || true ;; esac
}

# Incus uses these where it finds rules of iptables in the kernel.
remove_iptables_rules() {
  local table rule
  for table in filter nat mangle; do
    iptables -t "$table" -S 2>/dev/null | { grep -F "generated for Incus network $bridge\"" || true; } | sed 's/^-A/-D/' |
      while read -r rule; do eval "iptables -t $table $rule"; done
  done
}

remove_apparmor_profiles() {
  [ -d /sys/kernel/security/apparmor ] && command -v apparmor_parser >/dev/null || return 0
  local profile
  for profile in "$incus_dir"/security/apparmor/profiles/*; do
    [ ! -f "$profile" ] || apparmor_parser -R "$profile" 2>/dev/null || true
  done
}

loop_devices() { losetup -n -O NAME,BACK-FILE | awk -v dir="$incus_dir/disks/" 'index($2, dir) == 1 { print $1 }'; }
no_loop_devices() { [ -z "$(loop_devices)" ]; }
remove_loop_devices() {
  # They clear themselves with the last mount; detaching is for those that a killed daemon had not mounted yet.
  until_true 5 no_loop_devices && return
  loop_devices | xargs -r -n1 losetup -d
  until_true 10 no_loop_devices || fail "loop devices of host $name are still in use: $(loop_devices | tr '\n' ' ')"
}
