# from: deis/deis#2481, centreon-archive/centreon-vmware#75 (after the upgrade a file of the service belongs to root)
title='The upgrade ran as root and left the spool to root: the service runs, listens, and cannot store a single item (it says so every second)'
truth=broken
prepare() {
  useradd -r collect; mkdir -p /var/lib/collect; chown collect /var/lib/collect
  cat >/usr/local/bin/collectd <<'PL'
#!/usr/bin/perl
$| = 1;
while (1) { if (open my $f, '>', '/var/lib/collect/item') { print $f time } else { print STDERR "cannot write /var/lib/collect/item: $!\n" } sleep 1 }
PL
  chmod 755 /usr/local/bin/collectd
  unit /etc/systemd/system/collectd.service /usr/local/bin/collectd 'User=collect\nRestart=always'
  systemctl daemon-reload; systemctl enable -q --now collectd
  printf 'set -e\nchown -R root: /var/lib/collect\nchmod 644 /var/lib/collect/item\nsystemctl restart collectd\n' >/root/up.sh; sleep 2
}
upgrade='sh /root/up.sh'
probe() { (($(date +%s) - $(stat -c %Y /var/lib/collect/item) < 4)); }
