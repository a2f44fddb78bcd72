# from: owncast/owncast#4463, enhancements#1306 (a first start that migrates takes its time)
title='The first start of the new version migrates for 40 s, writes how far it is, and then listens'
truth=healthy
settle=50
prepare() {
  perl_http /usr/local/bin/cast cast; unit /etc/systemd/system/cast.service /usr/local/bin/cast
  systemctl daemon-reload; systemctl enable -q --now cast
  cat >/root/up.sh <<'U'
set -e
printf '#!/usr/bin/perl\n$| = 1; unless (-e "/var/lib/cast.done") { for (1 .. 40) { print "migrating part $_ of 40\\n"; sleep 1 } open my $f, ">", "/var/lib/cast.done" }\nexec "/usr/local/bin/cast";\n' >/usr/local/bin/cast2
chmod 755 /usr/local/bin/cast2; sed -i s#bin/cast#bin/cast2# /etc/systemd/system/cast.service
systemctl daemon-reload; systemctl restart cast
U
  sleep 1
}
upgrade='sh /root/up.sh'
probe() { fetch "http://$ip:8080/" | grep -q cast; }
