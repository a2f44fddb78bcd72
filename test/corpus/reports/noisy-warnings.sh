# from: Unitech/pm2#2199, nginx warnings of many upgrades (the new version writes warnings all the time and works)
title='The new version writes a warning about a deprecated option twice a second, and works as before'
truth=healthy
prepare() {
  perl_http /usr/local/bin/app app; unit /etc/systemd/system/app.service /usr/local/bin/app
  systemctl daemon-reload; systemctl enable -q --now app
  cat >/root/up.sh <<'U'
set -e
printf '#!/bin/sh\n(while :; do echo "warning: option foo is deprecated, error handling will change in 3.0" >&2; sleep 0.5; done) &\nexec /usr/local/bin/app\n' >/usr/local/bin/app2
chmod 755 /usr/local/bin/app2; sed -i s#bin/app#bin/app2# /etc/systemd/system/app.service
systemctl daemon-reload; systemctl restart app
U
  sleep 1
}
upgrade='sh /root/up.sh'
probe() { fetch "http://$ip:8080/" | grep -q app; }
