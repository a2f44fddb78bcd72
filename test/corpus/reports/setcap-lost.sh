# from: minio/minio#8048, urbit/vere#312 (an own binary is replaced, and its capability to use port 80 is gone)
title='A self-update replaces the binary of a service that listens on port 80 as an ordinary user: it runs until it is started again'
truth=broken
prepare() {
  get libcap2-bin; useradd -r store; cp /usr/bin/perl /usr/local/bin/store; setcap cap_net_bind_service=+ep /usr/local/bin/store
  perl_http /srv/store.pl store 0.0.0.0 80
  unit /etc/systemd/system/store.service '/usr/local/bin/store /srv/store.pl' 'User=store'
  systemctl daemon-reload; systemctl enable -q --now store
  printf 'set -e\ncp /usr/bin/perl /usr/local/bin/store.new\nmv /usr/local/bin/store.new /usr/local/bin/store\n' >/root/up.sh; sleep 1
}
upgrade='sh /root/up.sh'
probe() { fetch "http://$ip/" | grep -q store && getcap /usr/local/bin/store | grep -q bind; }
