# from: rcbops/rpc-openstack#326 (after the upgrade the service has another name, checks of the old name fail)
title='A service is renamed to an instance of a template (chat.service becomes chat@main.service), same port'
truth=healthy
prepare() {
  perl_http /usr/local/bin/chat chat; unit /etc/systemd/system/chat.service /usr/local/bin/chat
  systemctl daemon-reload; systemctl enable -q --now chat
  printf 'set -e\nsystemctl disable -q --now chat\nmv /etc/systemd/system/chat.service /etc/systemd/system/chat@.service\nsystemctl daemon-reload\nsystemctl enable -q --now chat@main\n' >/root/up.sh; sleep 1
}
upgrade='sh /root/up.sh'
probe() { fetch "http://$ip:8080/" | grep -q chat; }
