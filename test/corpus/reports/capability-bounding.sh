# from: netdata/netdata#17284 (the unit of the new version leaves out the capability that port 80 needs)
title='The unit of the new version allows fewer capabilities: the service may not listen on port 80 any more'
truth=broken
prepare() {
  perl_http /usr/local/bin/dash dash 0.0.0.0 80; useradd -r dash
  unit /etc/systemd/system/dash.service /usr/local/bin/dash 'User=dash\nAmbientCapabilities=CAP_NET_BIND_SERVICE\nRestart=on-failure\nRestartSec=2'
  systemctl daemon-reload; systemctl enable -q --now dash
  printf 'set -e\nsed -i s/CAP_NET_BIND_SERVICE/CAP_NET_RAW/ /etc/systemd/system/dash.service\nsystemctl daemon-reload\nsystemctl restart dash\n' >/root/up.sh; sleep 1
}
upgrade='sh /root/up.sh'
probe() { fetch "http://$ip/" | grep -q dash; }
