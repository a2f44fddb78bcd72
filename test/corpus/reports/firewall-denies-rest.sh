# from: stephrobert/pavois#138 (a firewall that denies everything but the ports that are in use)
title='A hardening role turns on a firewall that drops everything except ping and the ports that are in use'
truth=healthy
settle=3
prepare() {
  get nftables; perl_http /usr/local/bin/web web; unit /etc/systemd/system/web.service /usr/local/bin/web
  systemctl daemon-reload; systemctl enable -q --now web; sleep 1
  printf 'flush ruleset\ntable inet filter {\n chain input {\n type filter hook input priority 0; policy drop;\n iif lo accept\n ct state established,related accept\n meta l4proto { icmp, ipv6-icmp } accept\n udp sport 67 udp dport 68 accept\n tcp dport 8080 accept\n }\n}\n' >/root/nftables.conf
  printf 'set -e\ncp /root/nftables.conf /etc/nftables.conf\nsystemctl enable -q --now nftables\n' >/root/up.sh
}
upgrade='sh /root/up.sh'
probe() { fetch "http://$ip:8080/" | grep -q web; }
