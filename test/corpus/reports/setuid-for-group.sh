# from: made as a sibling of setuid-hardened (no report)
title='An administrator lets only one group use gpasswd and newgrp, which stay set-user-ID, registered with dpkg-statoverride'
truth=healthy
settle=3
prepare() { groupadd staffers; useradd -m -s /bin/sh -G staffers ops; perl_http /usr/local/bin/web web; unit /etc/systemd/system/web.service /usr/local/bin/web; systemctl daemon-reload; systemctl enable -q --now web; sleep 1
  printf 'set -e\nfor file in gpasswd newgrp; do dpkg-statoverride --update --add root staffers 4750 /usr/bin/$file; done\n' >/root/up.sh; }
upgrade='sh /root/up.sh'
probe() { fetch "http://$ip:8080/" | grep -q web && su ops -c true; }
