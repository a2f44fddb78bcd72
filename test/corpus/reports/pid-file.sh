# from: e2guardian/e2guardian#799, mrash/fwknop#317 (the unit of the new version waits for a PID file that nobody writes)
title='The unit of the new version is of type forking with a PID file that the daemon never writes: systemd kills it when the time to start is over'
truth=broken
settle=25
prepare() {
  perl_http /usr/local/bin/filterd filter; unit /etc/systemd/system/filterd.service /usr/local/bin/filterd
  systemctl daemon-reload; systemctl enable -q --now filterd
  printf 'set -e\nsed -i "s/^.Service.$/[Service]\\nType=forking\\nPIDFile=\\/run\\/filterd.pid\\nTimeoutStartSec=12/" /etc/systemd/system/filterd.service\nsystemctl daemon-reload\nsystemctl restart --no-block filterd\n' >/root/up.sh; sleep 1
}
upgrade='sh /root/up.sh'
probe() { fetch "http://$ip:8080/" | grep -q filter && systemctl is-active -q filterd; }
