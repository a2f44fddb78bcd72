# from: podman-container-tools/podman#12461 (a path became a link to its new place)
title='A daemon moves its UNIX socket to a folder of its own and leaves a link at the old path'
truth=healthy
prepare() {
  cat >/usr/local/bin/keyd <<'PL'
#!/usr/bin/perl
use IO::Socket::UNIX;
my $p = $ENV{SOCK} || '/run/keyd.sock'; mkdir '/run/keyd'; unlink $p, '/run/keyd.sock';
my $s = IO::Socket::UNIX->new(Type => SOCK_STREAM, Local => $p, Listen => 5) or die; chmod 0666, $p;
symlink $p, '/run/keyd.sock' if $p ne '/run/keyd.sock';
while (my $c = $s->accept) { print $c "keys\n"; close $c }
PL
  sed -i 's/use IO::Socket::UNIX;/use IO::Socket::UNIX; use Socket;/' /usr/local/bin/keyd
  chmod 755 /usr/local/bin/keyd; unit /etc/systemd/system/keyd.service /usr/local/bin/keyd
  systemctl daemon-reload; systemctl enable -q --now keyd
  printf 'set -e\nsed -i "s#^.Service.\\$#[Service]\\nEnvironment=SOCK=/run/keyd/keyd.sock#" /etc/systemd/system/keyd.service\nsystemctl daemon-reload\nsystemctl restart keyd\n' >/root/up.sh; sleep 1
}
upgrade='sh /root/up.sh'
probe() { perl -MIO::Socket::UNIX -e 'my $s = IO::Socket::UNIX->new("/run/keyd.sock") or exit 1; print <$s>' | grep -q keys; }
