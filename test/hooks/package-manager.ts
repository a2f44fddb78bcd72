/** A real package manager, and how it is used in a container of the tests. All texts are for `sh -c` inside. */
export interface PackageManager {
  readonly name: string;
  /** It tells the packages. */
  readonly tells: boolean;
  /** Makes the container one that only has this manager. */
  readonly alone: string;
  /** Followed by names of packages. */
  readonly install: string;
  /** Prints what is installed of the tests' packages. */
  readonly installed: string;
  /** Lets every transaction end after guard was asked, before it changes anything; and no more. */
  readonly abort: string;
  readonly letBe: string;
  /** A transaction that installs guard-one, and then fails or dies. */
  readonly breakOff: string;
  /** Installs an older guard-one, and what upgrades it then; null where `guard plan` cannot ask this manager. */
  readonly upgrade: { readonly older: string; readonly words: readonly string[] } | null;
  /** Fails where what was left of it stands in the way of others. */
  readonly isFree: string;
}

const opt = 'ls /opt 2>/dev/null || true';

/** Kills the manager, with all it has started, in the middle of its work. */
const killed = (install: string): string =>
  `rm -f /root/under-way; setsid ${install} guard-one guard-slow >/dev/null 2>&1 &
   while [ ! -e /root/under-way ]; do sleep 0.1; done; kill -9 -$!`;

/** The look at packages asks one database: these go out of the way of others. */
const noDpkg = 'mv /var/lib/dpkg/status /root/dpkg-status';
const onlyRpm = `${noDpkg}; rm -rf /var/lib/pacman`;

const apt = 'apt-get install -y -qq';
const dnf = 'dnf -y -q --releasever=1 install';
const dnf5 = 'dnf5 -y -q --releasever=1 install';
/** Its plugins cannot write to a pipe of the host. */
const zypper =
  'run() { rm -f /root/said; zypper --non-interactive --no-gpg-checks --quiet install "$@" >>/root/said 2>&1; set -- $?; cat /root/said; return $1; }; run';
const pacman = 'pacman --noconfirm -S';

export const packageManagers = {
  apt: {
    name: 'apt',
    tells: true,
    alone: 'rm -rf /var/lib/rpm /etc/rpm',
    install: apt,
    installed: opt,
    abort: `echo 'DPkg::Pre-Install-Pkgs { "false"; };' >/etc/apt/apt.conf.d/99abort`,
    letBe: 'rm /etc/apt/apt.conf.d/99abort',
    breakOff: killed(apt),
    upgrade: { older: `${apt} guard-one=1.0`, words: ['apt-get', 'upgrade', '-y'] },
    isFree: 'dpkg --audit | grep . && exit 1; apt-get check',
  },
  dnf: {
    name: 'dnf',
    tells: true,
    alone: onlyRpm,
    install: dnf,
    installed: opt,
    abort: `printf '%s\\n' 'import dnf' 'class Z(dnf.Plugin):' '    name = "zzz"' '    def pre_transaction(self):' '        raise dnf.exceptions.Error("aborted")' >/usr/lib/python3/dist-packages/dnf-plugins/zzz.py`,
    letBe: 'rm /usr/lib/python3/dist-packages/dnf-plugins/zzz.py',
    breakOff: `${dnf} guard-fails`,
    upgrade: { older: `${dnf} guard-one-1.0`, words: ['dnf', 'upgrade', '-y', '--releasever=1'] },
    isFree: 'test ! -e /var/lib/dnf/rpmdb_lock.pid',
  },
  dnf5: {
    name: 'dnf5',
    tells: true,
    alone: onlyRpm,
    install: dnf5,
    installed: opt,
    abort: `echo 'pre_transaction::::/bin/echo stop=aborted' >/etc/dnf/libdnf5-plugins/actions.d/zzz.actions`,
    letBe: 'rm /etc/dnf/libdnf5-plugins/actions.d/zzz.actions',
    breakOff: `${dnf5} guard-fails`,
    upgrade: null,
    isFree: 'rpm -qa >/dev/null',
  },
  zypper: {
    name: 'zypper',
    tells: true,
    alone: onlyRpm,
    install: zypper,
    installed: opt,
    abort: `printf '%s\\n' '#!/bin/bash' 'while IFS= read -r -d "" frame; do case $frame in COMMITBEGIN*) kill -TERM $PPID ;; esac; printf "ACK\\n\\n\\0"; done' >/usr/lib/zypp/plugins/commit/zzz; chmod 755 /usr/lib/zypp/plugins/commit/zzz`,
    letBe: 'rm /usr/lib/zypp/plugins/commit/zzz',
    breakOff: `${zypper} guard-fails`,
    upgrade: { older: `${zypper} guard-one=1.0`, words: ['zypper', 'update', '-y'] },
    isFree: 'zypper --non-interactive search --installed-only',
  },
  pacman: {
    name: 'pacman',
    tells: true,
    alone: `${noDpkg}; rm -rf /var/lib/rpm /etc/rpm`,
    install: pacman,
    installed: opt,
    abort: `printf '%s\\n' '[Trigger]' 'Operation = Install' 'Type = Package' 'Target = *' '[Action]' 'When = PreTransaction' 'Exec = /bin/false' 'AbortOnFail' >/etc/pacman.d/hooks/50-abort.hook`,
    letBe: 'rm /etc/pacman.d/hooks/50-abort.hook',
    breakOff: killed(pacman),
    upgrade: null,
    isFree: 'test ! -e /var/lib/pacman/db.lck',
  },
  apk: {
    name: 'apk',
    tells: false,
    alone: 'true',
    install: 'apk add',
    installed: opt,
    abort: `printf '#!/bin/sh\\n[ "$1" != pre-commit ]\\n' >/etc/apk/commit_hooks.d/zzz; chmod 755 /etc/apk/commit_hooks.d/zzz`,
    letBe: 'rm /etc/apk/commit_hooks.d/zzz',
    breakOff: 'apk add guard-fails',
    upgrade: null,
    isFree: "! grep -q '^f:[a-zA-Z]*[fs]' /lib/apk/db/installed",
  },
} satisfies Record<string, PackageManager>;
