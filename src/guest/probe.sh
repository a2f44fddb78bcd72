#!/bin/sh
# What guard runs inside an instance to see it. The variables n, deep, read_only, ask_servers, since and known_* and the functions preflight and validate come in front of it.
# shellcheck disable=SC2154,SC2010,SC2012,SC2016
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
  echo "time $(date +%s)"
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
unit_properties=Id,Names,LoadState,ActiveState,SubState,Result,Type,UnitFileState,NRestarts,MainPID,ExecMainCode,ExecMainStatus,InvocationID,Transient,RemainAfterExit,BusName,TriggeredBy,WantedBy,RequiredBy,FragmentPath,ConditionResult,ConditionTimestampMonotonic,Restart,RestartForceExitStatus,SuccessExitStatus,Job,NextElapseUSecRealtime,NextElapseUSecMonotonic,LastTriggerUSec,LimitNOFILESoft,User,DynamicUser

service_manager() {
  if [ -d /run/systemd/system ]; then
    list=$(limited systemctl list-units --all --plain --no-legend --full --no-pager --type=service,socket,timer,mount,path)
    listed=$?
    section unitlist unit_list
    section unitfiles unit_files
    section units unit_details
    section usermanagers user_managers
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
    # shellcheck disable=SC2086
    set -- $line
    case $1:$4 in
      systemd-*:exited | kmod-*:exited) ;;
      *.service:dead) case $wanted in *"/$1 "*) names="$names $1" ;; esac ;;
      *.service:* | *.timer:waiting | *.timer:running | *.timer:elapsed) names="$names $1" ;;
    esac
  done
  # shellcheck disable=SC2086
  limited systemctl show --no-pager --property="$unit_properties" -- default.target $names
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

# The program of each process: its file, and the first words of its command line. Arguments are parted by tabs.
programs() {
  ls -ln /proc/[0-9]*/exe | sed -n 's/^.* \(\/proc\/[0-9]*\/exe -> .*\)$/\1/p'
  head -v -c 300 /proc/[0-9]*/cmdline | tr '\000' '\t'
  true
}

# Who may use a unix socket: its own permissions and those of its folder.
socket_access() {
  grep -s ' 00010000 ' /proc/net/unix | sed -n 's/^[^/]* \(\/.*\)$/\1/p' | sort -u | sed 'p;s|/[^/]*$||' | sort -u | sed 's|^$|/|' |
    tr '\n' '\000' | xargs -0 stat -c '%a %u %g %n'
  IFS='
'
  set -f
  for path in $known_sockets; do
    [ -L "$path" ] && printf 'link %s\t%s\n' "$path" "$(readlink -f "$path")"
  done
  set +f
  unset IFS
  true
}

# Where services work: whose process it is, its folder, and who may write there; then folders that everybody uses.
workplaces() {
  stat -c 'uid %u %g %n' /proc/[0-9]*
  folders=$(ls -ln /proc/[0-9]*/cwd | sed -n 's/^.* \(\/proc\/[0-9]*\/cwd -> .*\)$/\1/p')
  printf '%s\n' "$folders"
  {
    printf '%s\n' "$folders" | sed 's/^.* -> //' | sort -u | grep -vE '^/$'
    printf '%s\n' / /tmp /var/tmp /etc /usr /var /home /home/*
  } | tr '\n' '\000' | xargs -0 stat -c 'folder %a %u %g %n'
  true
}

# Files that keep services from being started, or people from logging in.
obstacles() {
  for file in /usr/sbin/policy-rc.d /etc/nologin /run/nologin /var/run/nologin /etc/ssh/sshd_not_to_be_run; do [ -e "$file" ] && echo "$file"; done
  true
}

# Units of the managers of users who stay when they log out. Only such a user's services are meant to stay.
user_managers() {
  # unit_details switched both for itself.
  set +f
  unset IFS
  for mark in /var/lib/systemd/linger/*; do
    [ -e "$mark" ] || continue
    uid=$(id -u "${mark##*/}") || continue
    gid=$(id -g "${mark##*/}")
    echo "user $uid"
    [ -S "/run/user/$uid/systemd/private" ] || continue
    limited setpriv --reuid="$uid" --regid="$gid" --clear-groups env XDG_RUNTIME_DIR="/run/user/$uid" \
      systemctl --user show --no-pager --property="$unit_properties" -- '*.service' '*.timer' '*.socket' && echo "answered $uid"
  done
  true
}

jobs_() {
  grep -sHE '^[^#]' /etc/crontab /etc/anacrontab /etc/cron.d/* /var/spool/cron/crontabs/* /var/spool/cron/* /etc/crontabs/*
  for folder in /etc/cron.hourly /etc/cron.daily /etc/cron.weekly /etc/cron.monthly /etc/periodic/*; do
    for script in "$folder"/*; do [ -x "$script" ] && [ -f "$script" ] && echo "script $script"; done
  done
  for job in /var/spool/cron/atjobs/[a-z]* /var/spool/at/[a-z]*; do [ -f "$job" ] && echo "at $job"; done
  grep -shE '^[^#]' /etc/crontab /etc/cron.d/* /var/spool/cron/crontabs/* /var/spool/cron/* /etc/crontabs/* | grep -oE '[[:space:]]/[A-Za-z0-9_./+@-]+' | sort -u |
    while read -r program; do [ -e "$program" ] || echo "missing $program"; done
  ls -ln /etc/crontab /etc/cron.d/* | sed -n 's|^\([^ ]*\) *[0-9]* *\([0-9]*\) .* \(/etc/.*\)$|mode \1 \2 \3|p'
  true
}

accounts() {
  cat /etc/passwd
  echo groups
  cat /etc/group
  echo locked
  sed -n 's/^\([^:]*\):[!*].*/\1/p' /etc/shadow
  # Whom PAM refuses: the account is past its last day, or its password past its age and the days of grace. Then whom it
  # lets in only with a new password, which a job of cron cannot give.
  echo expired
  awk -F: -v today="$(($(date +%s) / 86400))" '
    $8 != "" && $8 <= today { print "account " $1; next }
    $3 == "0" || ($3 != "" && $5 != "" && today - $3 > $5) { print "password " $1 }' /etc/shadow
  true
}

# The keys by which clients know the SSH server.
host_keys() {
  has sshd || return 0
  # A server that has never run lacks a folder that the question needs, and one with a broken configuration has no answer.
  keys=$(limited sshd -T | sed -n 's/^hostkey //p')
  [ -n "$keys" ] || return 1
  for key in $keys; do [ -f "$key.pub" ] && head -c 2000 "$key.pub" | cut -d ' ' -f 1,2; done
  true
}

# Authorities that the administrator made all programs trust, and how many there are in all.
authorities() {
  find /usr/local/share/ca-certificates -name '*.crt' | while IFS= read -r file; do
    name=${file##*/}
    [ -e "/etc/ssl/certs/${name%.crt}.pem" ] && echo "own $name"
  done
  for file in /etc/pki/ca-trust/source/anchors/*; do [ -f "$file" ] && echo "own ${file##*/}"; done
  for bundle in /etc/ssl/certs/ca-certificates.crt /etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem /etc/ssl/cert.pem; do
    [ -f "$bundle" ] && echo "all $(grep -c BEGIN "$bundle")" && break
  done
  true
}

# Modules of PAM without which everybody is refused: those of optional and sufficient lines, and of lines with a dash, are not.
pam_modules() {
  # Services of a desktop name modules that are only recommended: those through which people and jobs come in are read.
  for service in common-auth common-account common-session common-session-noninteractive system-auth password-auth \
    base-auth base-account base-session sshd login cron crond su sudo; do
    cat "/etc/pam.d/$service" 2>/dev/null
  done | grep -E '^[[:space:]]*(auth|account|session)[[:space:]]+(required|requisite|\[[^]]*\])[[:space:]]' |
    grep -vE 'default=ignore|module_unknown=ignore' | sed 's/\[[^]]*\]/required/' | while read -r _ _ module _; do echo "$module"; done | sort -u |
    {
      missing=
      while read -r module; do
        for folder in /lib/security /usr/lib/security /lib64/security /usr/lib64/security /lib/*/security /usr/lib/*/security ''; do
          [ -e "$folder${folder:+/}$module" ] && continue 2
        done
        missing="$missing $module"
      done
      [ -z "$missing" ] || echo "there is no$missing"
      [ -z "$missing" ]
    }
}

# What sysctl.d sets at the next boot, and what is set now. /etc/sysctl.conf is read only where a link in sysctl.d says so.
kernel() {
  [ -e /run/openrc/softlevel ] && grep -sHE '^[[:space:]]*[^#;[:space:]]' /etc/sysctl.conf
  grep -sHE '^[[:space:]]*[^#;[:space:]]' /usr/lib/sysctl.d/*.conf /usr/local/lib/sysctl.d/*.conf /run/sysctl.d/*.conf /etc/sysctl.d/*.conf
  for file in /etc/sysctl.d/*.conf; do [ -L "$file" ] && [ "$(readlink -f "$file")" = /dev/null ] && echo "masked $file"; done
  echo values
  set -f
  keys=$(grep -shE '^[[:space:]]*[^#;[:space:]].*=' /usr/lib/sysctl.d/*.conf /etc/sysctl.d/*.conf | sed 's/^[-[:space:]]*//; s/[[:space:]]*=.*//; /[*]/d; s|\.|/|g; s|^|/proc/sys/|' | sort -u)
  set +f
  # shellcheck disable=SC2086
  grep -sH '' /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding /proc/sys/net/ipv4/conf/all/forwarding $keys
  true
}

mounts() { cat /proc/self/mounts; echo fstab; grep -sE '^[^#]' /etc/fstab; [ -r /proc/self/mounts ]; }

# Which package brought a unit or a table of cron: what nobody brought is the administrator's own.
packaged() {
  [ -s /var/lib/dpkg/status ] || return 1
  grep -sHE '^(/usr)?/lib/systemd/(system|user)/[^/]*\.(service|socket|timer|path)$|^/etc/cron\.[a-z]*/|^/etc/init\.d/' /var/lib/dpkg/info/*.list
}

# A quota shows only where something is written. The file loses its name before it is written: a restore point taken
# meanwhile has an empty file at most.
write_test() {
  for folder in /var/lib /var/tmp /var/log $(data_folders | head -n 20); do
    [ -d "$folder" ] || continue
    if can_write "$folder"; then echo "yes $folder"; else echo "no $folder"; fi
  done
}

data_folders() {
  while read -r _ folder type _; do
    case $folder in /proc | /proc/* | /sys | /sys/* | /dev | /dev/* | /run | /run/* | / | /tmp) continue ;; esac
    case $type in ext4 | xfs | btrfs | zfs | tmpfs) echo "$folder" ;; esac
  done </proc/mounts
}

can_write() {
  [ -w "$1" ] || return
  test_file=$1/.guard-write-test-$$
  # shellcheck disable=SC2094
  { rm -f "$test_file"; head -c 65536 /dev/zero >&3; } 3>"$test_file"
}

validators() {
  running=$(cat /proc/[0-9]*/comm | sort -u)
  validate
  true
}

validator() {
  name=$1
  process=$2
  shift 2
  has "$1" || return
  found=
  for one in $running; do
    # shellcheck disable=SC2254
    case $one in $process) found=1 && break ;; esac
  done
  [ -n "$found" ] || return
  if has timeout && ! case $1 in *_*) true ;; *) false ;; esac; then said=$(timeout 5 "$@" 2>&1); else said=$("$@" 2>&1); fi
  status=$?
  printf '%s %s %s\n' "$name" "$status" "$(printf '%s' "$said" | tail -n 8 | tr '\n\t' '  ' | cut -c 1-600)"
}

php_fpm_test() {
  for fpm in /usr/sbin/php-fpm*; do
    [ -x "$fpm" ] || continue
    case $running in *"${fpm##*/}"*) timeout 5 "$fpm" -t || return ;; esac
  done
}

# Units that are to start at boot and are written by the administrator: systemd's own word for a mistake in them.
verify_units() {
  set --
  for unit in /etc/systemd/system/*.service; do
    if [ -f "$unit" ] && [ ! -L "$unit" ]; then set -- "$@" "$unit"; fi
  done
  [ $# -eq 0 ] || [ $# -gt 20 ] || timeout 5 systemd-analyze verify --man=no --generators=no "$@"
}

privileges() {
  # What the administrator registered without the set-user-ID bit stays so through upgrades.
  sed -n 's/^[^ ]* [^ ]* 0*[0-3]\{0,1\}[0-7]\{3\} \//registered \//p' /var/lib/dpkg/statoverride
  has getcap && getcap -r /usr/bin /usr/sbin /usr/local /opt /srv | sed 's/^/capability /'
  find /usr/bin /usr/sbin /usr/local /opt -xdev -type f -perm -4000 | sed 's/^/setuid /'
  true
}

# Names are taken from what the instance is configured to use; the second time they are those of the first.
resolution() {
  has getent || return 1
  if [ -n "$known_names" ]; then names=$known_names; else
    names=$(
      sed -nE 's#^[^\#]*https?://([A-Za-z0-9.-]+).*#\1#p' /etc/apt/sources.list /etc/apt/sources.list.d/* /etc/apk/repositories | sort -u | head -n 3
      sed -nE 's/^[0-9a-f.:]+[[:space:]]+([A-Za-z0-9.-]+).*/\1/p' /etc/hosts | sort -u | head -n 20
      cat /etc/hostname
      sed -nE 's/^relayhost *= *\[?([A-Za-z0-9.-]+).*/\1/p' /etc/postfix/main.cf
    )
  fi
  for name in $names; do
    if timeout 3 getent ahosts "$name" >/dev/null; then echo "yes $name"; else echo "no $name"; fi &
  done
  wait
}

clients() { ss -Htnpe state established || return 1; }

# A connection that was open before and is not now: whether it could be opened.
peers() {
  [ -n "$known_peers" ] || return 0
  for peer in $known_peers; do
    host=${peer%:*}
    port=${peer##*:}
    if has bash; then set -- bash -c "exec 3<>/dev/tcp/$host/$port"; elif has nc; then set -- nc -w 2 "$host" "$port"; else return 1; fi
    if timeout 3 "$@" </dev/null; then echo "yes $peer"; else echo "no $peer"; fi &
  done
  wait
}

queues() {
  for queue in /var/spool/postfix/deferred /var/spool/postfix/maildrop /var/spool/postfix/hold /var/spool/exim4/input /var/spool/nullmailer/queue /var/spool/cups; do
    [ -d "$queue" ] && echo "$(find "$queue" -type f | wc -l) $queue"
  done
  true
}

# Without a time to begin at, only where the log files end now.
log() {
  # Size and path of the files that services write, without those of package managers and of requests.
  stat -c 'size %s %n' /var/log/*.log /var/log/*/*.log /var/log/syslog /var/log/messages | grep -vE '/(apt|unattended-upgrades)/|/(dpkg|alternatives|bootstrap|fontconfig)\.log|access|journal'
  [ "$since" -gt 0 ] || return 0
  # Ten minutes before, so that what was always written is known as such.
  has journalctl && limited journalctl -q --no-pager -n 1500 -o json --output-fields=MESSAGE,PRIORITY,_SYSTEMD_UNIT,_SYSTEMD_USER_UNIT,UNIT,SYSLOG_IDENTIFIER --since="@$((since - 600))"
  printf '%s\n' "$known_logs" | while read -r size path; do
    [ -f "$path" ] || continue
    echo "file $path"
    tail -c "+$((size + 1))" "$path" | head -c 65536 | tail -n 200
  done
  true
}

# Pages beyond the first one: the paths that web servers are configured for, and those that clients got lately.
page_paths() {
  [ "$since" -eq 0 ] || return 0
  grep -shoE '(^|[[:space:];{}])(location[[:space:]]+(=|\^~)?[[:space:]]*|ProxyPass[[:space:]]+"?|(Script)?Alias[[:space:]]+"?|<Location[[:space:]]+"?|(handle|handle_path|route|reverse_proxy)[[:space:]]+|path_beg[[:space:]]+)/[^][:space:]"{};>*()|\\^$[]*' \
    /etc/nginx/nginx.conf /etc/nginx/sites-enabled/* /etc/nginx/conf.d/* /etc/nginx/http.d/* /etc/apache2/sites-enabled/* /etc/httpd/conf.d/* /etc/caddy/Caddyfile /etc/haproxy/haproxy.cfg |
    sed 's|^[^/]*/|configured /|' | sort -u | head -n 50
  {
    ls -t /var/log/*/*access*log | head -n 6 | while read -r file; do [ -f "$file" ] && limited tail -c 131072 "$file"; done
    has journalctl && limited journalctl -q --no-pager -n 500 -o cat
  } | grep -vF '"guard"' | grep -oE '"GET /[^ "?]* HTTP/[0-9.]+" 2[0-9][0-9]' | cut -d ' ' -f 2 | sort | uniq -c | sort -rn | head -n 50 | sed 's/^ */used /'
  true
}

# What only the instance itself can reach: a first word, or the answer to a harmless question.
local_replies() {
  has bash || return 1
  timeout 4 bash -c '
    ask() {
      exec 3<>"/dev/tcp/$1/$2" || { echo "$2 refused"; return; }
      first=$(timeout 0.4 head -c 64 <&3 | od -An -v -tx1 | tr -d " \n")
      if [ -z "$first" ]; then
        printf "$3" >&3
        first=$(timeout 1.5 head -c 160 <&3 | od -An -v -tx1 | tr -d " \n")
      fi
      echo "$2 said $first"
    }
    # A call would start the service behind a socket of systemd.
    # The loop has a shell of its own, which must wait for what it starts.
    ss -Hlntp | grep -v "\"systemd\",pid=1," | { while read -r _ _ _ local _; do
      port=${local##*:}
      case $local in 127.0.0.*:* | "[::1]:"*) ;; *) continue ;; esac
      case $port in 9100 | 10000 | 323 | 953 | 8952 | 8953) continue ;; esac
      question="GET / HTTP/1.0\r\nHost: localhost\r\n\r\n"
      case $port in
        6379) question="PING\r\n" ;;
        11211) question="version\r\n" ;;
        5432) question="\0\0\0\10\4\322\26\57" ;;
      esac
      case $local in "[::1]"*) continue ;; esac
      ask "${local%:*}" "$port" "$question" &
    done
    wait; }
  ' 2>/dev/null
  true
}

look() {
  exec 3>&2 2>/dev/null </dev/null
  # Somebody waits for it: nothing may be in its way.
  preflight
  # The service manager takes its time and the rest takes it elsewhere: both at once, each on its own stream.
  service_manager >&3 3>&- &
  exec 3>&-
  section self self
  section inet inet
  section unix unix
  section owners owners
  section processes processes
  section programs programs
  section access socket_access
  section addresses addresses
  section routes routes
  section nameservers nameservers
  section space space
  section mounts mounts
  section clients clients
  # What does not change by itself from one second to the next.
  if [ -n "$deep" ]; then
    section reboot reboot
    packages
    section signatures signatures
    section lines lines
    section workplaces workplaces
    section obstacles obstacles
    section jobs jobs_
    section accounts accounts
    section hostkeys host_keys
    section authorities authorities
    section kernel kernel
    section queues queues
    section packaged packaged
    [ -n "$read_only" ] || section writetest write_test
    section privileges privileges
    section validators validators
    section resolution resolution
    section peers peers
    if [ -n "$ask_servers" ]; then
      section localreplies local_replies
      section pagepaths page_paths
    fi
    section log log
  fi
  wait
  printf '\n%s done\n' "$n"
}

look
