// Services that are harmed. Every field but the name is a line of shell that runs inside, or a word for one.
//   install, setup: packages, and what makes it a service in use
//   unit, port, user: of the service; `listen`: sets its port or address by changing its configuration ({port}, {address} are filled in)
//   config: its file; typo: breaks that file; data: what it reads and writes; program: its file; reload: how it reads its configuration again
//   workers: makes it run four of them, and fewer: half of that
import { write } from '../corpus/words.mjs';

const perlServer = `#!/usr/bin/perl
use IO::Socket::INET; $| = 1;
my $s = IO::Socket::INET->new(LocalAddr => $ENV{ADDRESS} || "0.0.0.0", LocalPort => $ENV{PORT} || 8080, Listen => 20, ReuseAddr => 1) or die "listen: $!";
my $n = $ENV{WORKERS} || 1; for (2 .. $n) { last unless fork }
while (my $c = $s->accept) {
  while (my $l = <$c>) { last if $l =~ /^\\r?\\n/ }
  my ($code, $b) = ("200 OK", "");
  if (open my $f, "<", "/srv/app/data") { $b = <$f> } else { $code = "500 Internal Server Error"; print STDERR "cannot open /srv/app/data: $!\\n" }
  print $c "HTTP/1.0 $code\\r\\nContent-Length: " . length($b) . "\\r\\n\\r\\n$b"; close $c;
}`;

const app = (unit) => `useradd -r app; mkdir -p /srv/app; echo hello >/srv/app/data; chown -R app: /srv/app
${write('/usr/local/bin/app', perlServer)} chmod 755 /usr/local/bin/app
${write(`/etc/systemd/system/${unit}`, '[Service]\nUser=app\nExecStart=/usr/local/bin/app\nRestart=on-failure\n[Install]\nWantedBy=multi-user.target')}
systemctl daemon-reload; systemctl enable --now ${unit}`;

const dropIn = (unit, line) =>
  `mkdir -p /etc/systemd/system/${unit}.d && printf '[Service]\\n${line}\\n' >/etc/systemd/system/${unit}.d/guard-test.conf && systemctl daemon-reload && systemctl restart ${unit}`;

export const services = [
  {
    name: 'web',
    install: 'nginx-light openssl',
    setup: `mkdir -p /etc/tls; openssl req -x509 -newkey rsa:2048 -nodes -keyout /etc/tls/key -out /etc/tls/cert -days 90 -subj /CN=a.example.test -addext subjectAltName=DNS:a.example.test 2>/dev/null
${write('/etc/nginx/sites-available/default', 'server { listen 80 default_server; listen 443 ssl default_server; ssl_certificate /etc/tls/cert; ssl_certificate_key /etc/tls/key; root /var/www/html; }')}
echo hello >/var/www/html/index.html; systemctl restart nginx`,
    unit: 'nginx.service',
    port: 80,
    user: 'www-data',
    listen: `sed -i 's/listen 80 /listen {address}:{port} /' /etc/nginx/sites-available/default && systemctl restart nginx`,
    config: '/etc/nginx/nginx.conf',
    typo: 'echo "listn 80;" >>/etc/nginx/nginx.conf',
    reload: 'systemctl reload nginx',
    data: '/var/www/html',
    program: '/usr/sbin/nginx',
    certificate: '/etc/tls',
    page: `sed -i 's/root \\/var\\/www\\/html;/root \\/var\\/www\\/html; location = \\/ { return 500; }/' /etc/nginx/sites-available/default && systemctl reload nginx`,
    redirect: `sed -i 's/root \\/var\\/www\\/html;/return 301 https:\\/\\/$host:8444\\/;/' /etc/nginx/sites-available/default && systemctl reload nginx`,
    dualStack: `sed -i 's/listen 80 default_server;/listen 80 default_server; listen [::]:80 default_server;/' /etc/nginx/sites-available/default && systemctl restart nginx`,
  },
  {
    name: 'dns',
    install: 'dnsmasq',
    setup: `echo address=/a.example.test/192.0.2.7 >/etc/dnsmasq.d/a.conf; systemctl restart dnsmasq`,
    unit: 'dnsmasq.service',
    port: 53,
    listen: `printf 'port={port}\\nlisten-address={address}\\nbind-interfaces\\n' >/etc/dnsmasq.d/b.conf && systemctl restart dnsmasq`,
    config: '/etc/dnsmasq.conf',
    typo: 'echo not-an-option >>/etc/dnsmasq.conf',
    program: '/usr/sbin/dnsmasq',
  },
  {
    name: 'cache',
    install: 'redis-server',
    setup: `sed -i 's/^bind .*/bind 0.0.0.0/; s/^protected-mode .*/protected-mode no/' /etc/redis/redis.conf; systemctl restart redis-server`,
    unit: 'redis-server.service',
    port: 6379,
    user: 'redis',
    listen: `sed -i 's/^bind .*/bind {address}/; s/^port .*/port {port}/' /etc/redis/redis.conf && systemctl restart redis-server`,
    config: '/etc/redis/redis.conf',
    program: '/usr/bin/redis-check-rdb',
    password: `echo 'requirepass secret' >>/etc/redis/redis.conf && systemctl restart redis-server`,
  },
  {
    name: 'mail',
    install: 'postfix',
    setup: `postconf -e inet_interfaces=all myhostname=a.example.test; systemctl restart postfix`,
    unit: 'postfix.service',
    port: 25,
    user: 'postfix',
    listen: `postconf -e inet_interfaces={address} && sed -i 's/^smtp  *inet/{port} inet/' /etc/postfix/master.cf && systemctl restart postfix`,
    config: '/etc/postfix/main.cf',
    typo: `postconf -e 'virtual_alias_maps = hash:/etc/postfix/not-there'`,
    reload: 'systemctl reload postfix',
    refuse: `postconf -e smtpd_recipient_restrictions=reject && systemctl reload postfix`,
  },
  {
    name: 'ssh',
    install: 'openssh-server',
    setup: 'systemctl restart ssh',
    unit: 'ssh.service',
    port: 22,
    listen: `printf 'Port {port}\\nListenAddress {address}\\n' >/etc/ssh/sshd_config.d/a.conf && systemctl restart ssh`,
    config: '/etc/ssh/sshd_config',
    typo: 'echo NotAnOption yes >>/etc/ssh/sshd_config',
    program: '/usr/sbin/sshd',
    socket: 'systemctl disable --now ssh.service && systemctl enable --now ssh.socket',
  },
  {
    name: 'application',
    install: 'ca-certificates',
    setup: app('app.service'),
    unit: 'app.service',
    port: 8080,
    user: 'app',
    listen: dropIn('app.service', 'Environment=PORT={port} ADDRESS={address}'),
    config: '/etc/systemd/system/app.service',
    typo: `sed -i 's/^User=app/User=nobody-of-that-name/' /etc/systemd/system/app.service && systemctl daemon-reload`,
    data: '/srv/app',
    program: '/usr/local/bin/app',
    rename:
      'systemctl disable --now app && mv /etc/systemd/system/app.service /etc/systemd/system/shop.service && systemctl daemon-reload && systemctl enable --now shop',
  },
  {
    name: 'workers',
    install: 'ca-certificates',
    setup: `${app('app.service')}; ${dropIn('app.service', 'Environment=WORKERS=6')}`,
    unit: 'app.service',
    port: 8080,
    user: 'app',
    half: dropIn('app.service', 'Environment=WORKERS=3'),
    fewer: dropIn('app.service', 'Environment=WORKERS=5'),
  },
  {
    name: 'job',
    install: 'cron',
    setup: `printf '#!/bin/sh\\ndate >/var/lib/job.stamp\\n' >/usr/local/bin/job; chmod 755 /usr/local/bin/job; echo '0 3 * * * root /usr/local/bin/job' >/etc/cron.d/job
printf '[Service]\\nType=oneshot\\nExecStart=/usr/local/bin/job\\n' >/etc/systemd/system/night.service; printf '[Timer]\\nOnCalendar=daily\\n[Install]\\nWantedBy=timers.target\\n' >/etc/systemd/system/night.timer
systemctl daemon-reload; systemctl enable --now night.timer`,
    unit: 'cron.service',
    job: ['rm /etc/cron.d/job', 'systemctl stop night.timer', 'chmod g+w /etc/cron.d/job', 'rm /usr/local/bin/job'],
    timetable: `sed -i 's/^0 3/30 4/' /etc/cron.d/job`,
  },
  {
    name: 'supervised',
    install: 'supervisor',
    setup: `${write('/srv/worker.py', 'import time\nwhile True: time.sleep(1)')}
${write('/etc/supervisor/conf.d/worker.conf', '[program:worker]\ncommand=/usr/bin/python3 /srv/worker.py')} systemctl restart supervisor; sleep 3`,
    unit: 'supervisor.service',
    job: [
      'supervisorctl stop worker',
      'rm /etc/supervisor/conf.d/worker.conf && supervisorctl update',
      `sed -i 1i'import not_there' /srv/worker.py && supervisorctl restart worker; true`,
    ],
  },
  {
    name: 'user',
    install: 'dbus-user-session libpam-systemd',
    setup: `useradd -m worker; mkdir -p /home/worker/.config/systemd/user/default.target.wants
${write('/home/worker/.config/systemd/user/work.service', '[Service]\nExecStart=/usr/bin/perl -e "sleep 1 while 1"\n[Install]\nWantedBy=default.target')}
ln -s ../work.service /home/worker/.config/systemd/user/default.target.wants/work.service; chown -R worker: /home/worker
systemctl restart systemd-logind; loginctl enable-linger worker; sleep 3`,
    job: [
      'systemctl --user -M worker@ stop work',
      'loginctl disable-linger worker && sleep 2',
      'rm /home/worker/.config/systemd/user/work.service && systemctl restart user@$(id -u worker)',
    ],
  },
];
