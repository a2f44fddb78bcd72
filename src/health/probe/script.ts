import { noPreflight, preflightLines } from './preflight.ts';

/**
 * What the shell inside reads on its standard input: the nonce that marks the sections, then the script. The nonce is not
 * a command line argument because those can be read by every process inside. With an opening, the program that is looked
 * for is the shell's first argument.
 */
export function probeInput(nonce: string, withOpening: boolean): string {
  return `n=${nonce}\n${withOpening ? preflightLines : noPreflight}\n${probeScript}`;
}

/**
 * The probe: POSIX sh, and nothing that dash with coreutils or BusyBox alone does not have. It only reads. A tool that is
 * missing costs its section, never the others. Every section stands between two marker lines, the second with a status, so
 * that what comes in between cannot pretend to be another section, and a section cut short is known as such.
 *
 * Files of /proc are read by one process for all of them, and parsed on the host: a fork inside costs a millisecond.
 * The whole is a function so that the shell has read all of it before anything else can read its standard input.
 */
const probeScript = String.raw`
LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin
export LC_ALL PATH
unset GREP_OPTIONS GREP_COLORS POSIXLY_CORRECT LS_COLORS SYSTEMD_COLORS SYSTEMD_PAGER
set +e +u

section() {
  printf '\n%s begin %s\n' "$n" "$1"
  "$2"
  printf '\n%s end %s %s\n' "$n" "$1" "$?"
}

has() { command -v "$1" >/dev/null; }

# systemctl waits up to 90 s for a manager that does not answer: better no answer in time.
limited() { if has timeout; then timeout 10 "$@"; else "$@"; fi; }

self() {
  echo "probe $$"
  if [ -d /run/systemd/system ]; then echo 'manager systemd'
  elif [ -e /run/openrc/softlevel ]; then read -r level </run/openrc/softlevel; echo "manager openrc $level"
  else echo 'manager none'; fi
  if [ -w / ]; then echo 'root writable'; else echo 'root read-only'; fi
  read -r up rest </proc/uptime && echo "uptime $up"
  read -r low high </proc/sys/net/ipv4/ip_local_port_range && echo "ephemeral $low $high"
  pages=
  for page in index info phpinfo test hello check ping version status health; do
    [ -f "/var/www/html/$page.php" ] && pages="$pages /$page.php"
  done
  echo "pages$pages"
  true
}

# One call lists every unit. Details cost the manager a millisecond a unit, so they are asked for the services that do
# something or should, and not for the many of systemd's own that have done their work at boot.
service_manager() {
  if [ -d /run/systemd/system ]; then
    list=$(limited systemctl list-units --all --plain --no-legend --full --no-pager --type=service,socket,timer,mount,path)
    listed=$?
    section unitlist unit_list
    section unitfiles unit_files
    section units unit_details
  elif [ -e /run/openrc/softlevel ]; then section units openrc_services
  else section units true; fi
}

unit_list() { printf '%s\n' "$list"; return "$listed"; }

# A unit that is dead and wanted by nobody is not loaded, and so not listed: its file tells it from one that is gone.
unit_files() {
  ls -ln /etc/systemd/system
  [ -L /lib ] || ls /lib/systemd/system
  ls /usr/lib/systemd/system /usr/local/lib/systemd/system /run/systemd/system /run/systemd/generator*
  [ -d /etc/systemd/system ]
}

unit_details() {
  set -- /etc/systemd/system/*.wants/*.service
  wanted=" $* "
  set -f
  names=
  IFS='
'
  for line in $list; do
    IFS=' '
    set -- $line
    case $1:$4 in
      systemd-*:exited | kmod-*:exited) ;;
      *.service:dead) case $wanted in *"/$1 "*) names="$names $1" ;; esac ;;
      *.service:*) names="$names $1" ;;
    esac
  done
  limited systemctl show --no-pager --property=Id,Names,LoadState,ActiveState,SubState,Result,Type,UnitFileState,NRestarts,MainPID,ExecMainCode,ExecMainStatus,InvocationID,Transient,RemainAfterExit,BusName,TriggeredBy,WantedBy,RequiredBy,FragmentPath,ConditionResult,ConditionTimestampMonotonic -- default.target $names
}

openrc_services() {
  for state in starting started stopping inactive wasinactive failed; do
    for service in /run/openrc/"$state"/*; do [ -e "$service" ] && echo "$state $service"; done
  done
  # Only rc-status knows which started service has crashed.
  limited rc-status --all --format ini | grep crashed
  true
}

# Reading /proc/net/tcp walks every bucket of the host's connection table (10 ms), ss asks for the listening ones alone.
inet() {
  ss -Hlntue || { grep -sHE ' (0A|07) ' /proc/net/tcp /proc/net/tcp6 /proc/net/udp /proc/net/udp6; [ -r /proc/net/tcp ]; }
}

unix() { grep -s ' 00010000 ' /proc/net/unix; [ -r /proc/net/unix ]; }

# -n: no look-up of user names, which can hang on a directory server that is being upgraded.
owners() { ls -ln /proc/[0-9]*/fd | grep -E '^/proc/|socket:'; }

processes() { grep -sH '' /proc/[0-9]*/stat /proc/[0-9]*/cgroup; [ -r /proc/1/stat ]; }

addresses() {
  if has ip; then ip -o addr show; else cat /proc/net/fib_trie; echo inet6; cat /proc/net/if_inet6; true; fi
}

routes() { cat /proc/net/route; echo inet6; cat /proc/net/ipv6_route; [ -r /proc/net/route ]; }

nameservers() {
  [ -f /etc/resolv.conf ] || return 0
  while read -r word rest; do [ "$word" = nameserver ] && echo "$word $rest"; done </etc/resolv.conf
  true
}

space() { stat -f -c '%S %b %a %c %d' /; }

reboot() {
  for mark in /run/reboot-required /var/run/reboot-required; do
    [ -e "$mark" ] || continue
    echo required
    [ -f "$mark.pkgs" ] && cat "$mark.pkgs"
    break
  done
  true
}

dpkg() {
  for step in /var/lib/dpkg/updates/[0-9]*; do [ -e "$step" ] && echo interrupted && break; done
  grep -E '^(Package|Status|Version|Architecture): ' /var/lib/dpkg/status
}

rpm_() {
  limited rpm -qa --qf '%{NAME} %{ARCH} %|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}\n'
}

apk() {
  for db in /lib/apk/db/installed /usr/lib/apk/db/installed; do
    [ -r "$db" ] || continue
    grep -E '^(P|V):' "$db"
    echo world
    cat /etc/apk/world
    break
  done
}

pacman() {
  [ -e /var/lib/pacman/db.lck ] && echo interrupted
  for package in /var/lib/pacman/local/*/; do
    if [ -r "$package/desc" ]; then echo "ok $package"; else echo "bad $package"; fi
  done
}

packages() {
  if [ -s /var/lib/dpkg/status ]; then section dpkg dpkg
  elif [ -s /lib/apk/db/installed ] || [ -s /usr/lib/apk/db/installed ]; then section apk apk
  elif [ -d /var/lib/pacman/local ]; then section pacman pacman
  elif has rpm && { [ -d /var/lib/rpm ] || [ -d /usr/lib/sysimage/rpm ]; }; then section rpm rpm_
  else section nopackages true; fi
}

signatures() {
  find /etc -xdev -path /etc/ssl/certs -prune -o -type f -exec stat -c '%s %Y %Z %n' {} +
}

# Only lines that name where a service listens, what it serves, or a path below /run; init scripts and profiles would be mostly noise.
lines() {
  set --
  for entry in /etc/*; do
    case $entry in
      /etc/ssl | /etc/alternatives | /etc/apparmor* | /etc/init.d | /etc/rc?.d | /etc/init | /etc/X11 | /etc/cron.* | /etc/services | /etc/ufw | /etc/ca-certificates* | /etc/*-) ;;
      *) set -- "$@" "$entry" ;;
    esac
  done
  grep -rsHiE '^[[:space:]]*("?(listen[-a-z_.]*|bind[-a-z_.]*|([a-z_.-]*[_.-])?ports?|interfaces?|([a-z_.-]*[_.-])?address|inet_interfaces|inet_protocols|(dc_)?local_interfaces|socket|unix_socket_director(y|ies)|skip[-_]networking|slapd_services|protected-mode|local-data|host-record|server_?name)"?[[:space:]]*[[:space:]:={]|-[lpsU][[:space:]]|zone[[:space:]]+"|(- )?domain:|name:)|/run/|[ {;]server_name[[:space:]]' "$@"
  [ $? -le 2 ]
}

look() {
  exec 3>&2 2>/dev/null </dev/null
  # Somebody waits for it: nothing may be in its way.
  opening
  # The service manager takes its time and the rest takes it elsewhere: both at once, each on its own stream.
  service_manager >&3 3>&- &
  exec 3>&-
  section self self
  section inet inet
  section unix unix
  section owners owners
  section processes processes
  section addresses addresses
  section routes routes
  section nameservers nameservers
  section space space
  section reboot reboot
  packages
  section signatures signatures
  section lines lines
  wait
  printf '\n%s done\n' "$n"
}

look
`;
