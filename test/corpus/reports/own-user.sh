# from: rsksmart/rsk-powhsm#401 (a service that ran as root gets a user of its own, with its files)
title='A service that ran as root gets a user of its own and its files with it'
truth=healthy
prepare() {
  mkdir -p /srv/hsm; perl_http /usr/local/bin/hsm hsm; unit /etc/systemd/system/hsm.service /usr/local/bin/hsm
  systemctl daemon-reload; systemctl enable -q --now hsm
  printf 'set -e\nuseradd -r hsm\nchown -R hsm: /srv/hsm\nsed -i "s/^.Service.$/[Service]\\nUser=hsm/" /etc/systemd/system/hsm.service\nsystemctl daemon-reload\nsystemctl restart hsm\n' >/root/up.sh; sleep 1
}
upgrade='sh /root/up.sh'
probe() { fetch "http://$ip:8080/" | grep -q hsm; }
