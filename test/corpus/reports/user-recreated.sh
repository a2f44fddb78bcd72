# from: ossec/ossec-hids#1970 (the upgrade deletes the service user and makes it again with another id)
title='A package deletes its user and makes it again; the files that it does not know of belong to nobody, and the next start fails'
truth=broken
prepare() {
  useradd -r -u 520 -s /usr/sbin/nologin watch; mkdir -p /srv/watch; echo rules >/srv/watch/rules; chown -R watch /srv/watch; chmod 700 /srv/watch
  perl_http /usr/local/bin/watchd 'watch'
  unit /etc/systemd/system/watchd.service /usr/local/bin/watchd
  systemctl daemon-reload; systemctl enable -q --now watchd
  printf 'set -e\nuserdel watch\nuseradd -r -u 777 -s /usr/sbin/nologin watch\nsystemctl restart watchd\n' >/root/up.sh; sleep 1
}
upgrade='sh /root/up.sh'
probe() { fetch "http://$ip:8080/" | grep -q watch && su -s /bin/sh watch -c 'cat /srv/watch/rules' | grep -q rules; }
