import type { Rule } from '../rule.ts';

/** What upgrades of real packages taught: read before the rules, the first match decides. */
export const exceptions: readonly Rule[] = [
  {
    resource: 'timer',
    name: /^(systemd-|apt-|dpkg-|e2scrub|fstrim|man-db|motd-news|logrotate\.timer$|phpsessionclean|ua-|ubuntu-|update-notifier|fwupd-refresh|anacron|exim4-base|sysstat|snapd\.|plocate|mlocate|raid|mdcheck|xfs_scrub|dnf-|unbound-anchor|packagekit)/,
    change: 'gone',
    effect: 'info',
    because: 'the operating system now runs this job differently',
    seenOn: 'Debian 12 to 13: e2scrub and phpsessionclean changed between cron and timers',
  },
  {
    resource: 'kernel-setting',
    name: /^(kernel\.(pid_max|printk|core_pattern|core_uses_pid|sysrq)|fs\.protected_|net\.ipv4\.ping_group_range|net\.core\.default_qdisc|vm\.max_map_count|kernel\.yama)/,
    effect: 'info',
    because: 'no service of a container depends on it',
    seenOn: 'Debian 12 to 13: systemd 257 moved its defaults',
  },
  {
    resource: 'privilege',
    name: /\/(sudo|su|newuidmap|newgidmap|pkexec|doas)$/,
    effect: 'fail',
    because: 'it does nothing without that',
    seenOn: 'IceWhaleTech/CasaOS#1987',
  },
  {
    resource: 'account',
    change: 'lost',
    name: /^(systemd-|_apt$|messagebus$|polkitd$|tss$|rdma$|uuidd$|avahi|dnsmasq$)/,
    effect: 'info',
    because: 'packages make it again when they need it',
    seenOn: 'Debian 12 to 13: systemd-timesync and systemd-network became dynamic users',
  },
];
