# from: openxpki/openxpki#707 (usermod -G without -a in a postinst drops the supplementary groups of www-data)
title='The new version of a package sets the groups of a service user anew: it is no longer in the group whose files it reads'
truth=broken
prepare() {
  useradd -r -s /usr/sbin/nologin shopd; groupadd secrets; groupadd pki; usermod -aG secrets shopd
  mkdir -p /srv/shop; echo open >/srv/shop/door; chgrp secrets /srv/shop/door; chmod 640 /srv/shop/door
  perl_http /usr/local/bin/shopd 'shop'
  unit /etc/systemd/system/shopd.service /usr/local/bin/shopd 'User=shopd'
  systemctl daemon-reload; systemctl enable -q --now shopd
  printf 'set -e\nusermod -G pki shopd\nsystemctl restart shopd\n' >/root/up.sh; sleep 1
}
upgrade='sh /root/up.sh'
probe() { fetch "http://$ip:8080/" | grep -q shop && su -s /bin/sh shopd -c 'cat /srv/shop/door' | grep -q open; }
