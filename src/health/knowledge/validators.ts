/** A program that reads a service's configuration and says whether the service would start with it. */
export interface Validator {
  /** Under which it is told. */
  readonly name: string;
  /** Names of the processes of which one must run, as a pattern of the shell. */
  readonly process: string;
  /** Words for the shell; the first must be installed. It must change nothing and ask nobody. */
  readonly command: string;
  /** What follows where it fails; by default the service would not start again. */
  readonly consequence?: string;
}

/**
 * Asked before and after the change, each within five seconds: a configuration that passed before and fails now is dead at the next
 * start, without a restart that would show it. A new row needs a validator that only reads.
 */
export const validators: readonly Validator[] = [
  { name: 'nginx', process: 'nginx', command: 'nginx -t -q' },
  { name: 'apache', process: 'apache2', command: 'apachectl configtest' },
  { name: 'httpd', process: 'httpd', command: 'httpd -t' },
  { name: 'lighttpd', process: 'lighttpd', command: 'lighttpd -tt -f /etc/lighttpd/lighttpd.conf' },
  { name: 'sshd', process: 'sshd', command: 'sshd -t' },
  { name: 'named', process: 'named', command: 'named-checkconf -z' },
  { name: 'unbound', process: 'unbound', command: 'unbound-checkconf' },
  { name: 'nsd', process: 'nsd', command: 'nsd-checkconf /etc/nsd/nsd.conf' },
  { name: 'knot', process: 'knotd', command: 'knotc conf-check' },
  { name: 'dnsmasq', process: 'dnsmasq', command: 'dnsmasq --test' },
  { name: 'haproxy', process: 'haproxy', command: 'haproxy -c -q -f /etc/haproxy/haproxy.cfg' },
  { name: 'postfix', process: 'master', command: 'postfix check' },
  { name: 'dovecot', process: 'dovecot', command: 'doveconf -n' },
  { name: 'exim', process: 'exim4', command: 'exim4 -bV' },
  { name: 'squid', process: 'squid', command: 'squid -k parse' },
  { name: 'php-fpm', process: 'php-fpm[78].[0-9]', command: 'php_fpm_test' },
  { name: 'samba', process: 'smbd', command: 'testparm -s --suppress-prompt' },
  { name: 'slapd', process: 'slapd', command: 'slaptest -u -Q' },
  { name: 'prometheus', process: 'prometheus', command: 'promtool check config /etc/prometheus/prometheus.yml' },
  { name: 'chrony', process: 'chronyd', command: 'chronyd -p' },
  { name: 'rsyslog', process: 'rsyslogd', command: 'rsyslogd -N1' },
  { name: 'mosquitto', process: 'mosquitto', command: 'mosquitto -c /etc/mosquitto/mosquitto.conf --test-config' },
  { name: 'sudo', process: '*', command: 'visudo -c -q' },
  { name: 'fstab', process: '*', command: 'findmnt --verify' },
  { name: 'pam', process: '*', command: 'pam_modules', consequence: 'nobody can log in, and cron refuses jobs' },
  { name: 'units', process: '*', command: 'verify_units' },
];
