# from: theforeman/foreman-installer#308, wazuh/wazuh-packages#1276 (a group that is not used any more is removed with its members)
title='A new version takes its user out of an old group and removes that group, which owns nothing'
truth=healthy
prepare() {
  useradd -r agentx; groupadd ossecx; usermod -aG ossecx agentx
  perl_http /usr/local/bin/agentx agent; unit /etc/systemd/system/agentx.service /usr/local/bin/agentx 'User=agentx'
  systemctl daemon-reload; systemctl enable -q --now agentx
  printf 'set -e\ngpasswd -d agentx ossecx\ngroupdel ossecx\nsystemctl restart agentx\n' >/root/up.sh; sleep 1
}
upgrade='sh /root/up.sh'
probe() { fetch "http://$ip:8080/" | grep -q agent; }
