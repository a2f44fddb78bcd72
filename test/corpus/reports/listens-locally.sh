# from: MonetDB/MonetDB#4027 (after the update only clients of the machine itself can connect)
title='A database of its own protocol on port 50000 listens for its own machine only after the update'
truth=broken
prepare() {
  cat >/usr/local/bin/monetish <<'PL'
#!/usr/bin/perl
use IO::Socket::INET;
my $s = IO::Socket::INET->new(LocalAddr => $ENV{BIND} || '0.0.0.0', LocalPort => 50000, Listen => 9, ReuseAddr => 1) or die;
while (my $c = $s->accept) { print $c "9:mserver:cypher\n"; close $c }
PL
  chmod 755 /usr/local/bin/monetish; unit /etc/systemd/system/monetish.service /usr/local/bin/monetish
  systemctl daemon-reload; systemctl enable -q --now monetish
  printf 'set -e\nsed -i "s/^.Service.$/[Service]\\nEnvironment=BIND=127.0.0.1/" /etc/systemd/system/monetish.service\nsystemctl daemon-reload\nsystemctl restart monetish\n' >/root/up.sh; sleep 1
}
upgrade='sh /root/up.sh'
probe() { say 50000 | grep -q mserver; }
