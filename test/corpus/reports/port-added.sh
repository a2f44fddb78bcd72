# from: MonetDB/MonetDB#3156, SiriDB/siridb-server#89 (one address for all becomes each address by itself)
title='A service that listened at every address listens at each of the addresses by itself, and at one more port'
truth=healthy
prepare() {
  get nginx; printf 'server { listen 80 default_server; root /var/www/html; }\n' >/etc/nginx/sites-available/default; systemctl restart nginx
  printf 'set -e\nip=$(ip -4 -br a show eth0 | sed -n "s/.* \\([0-9.]*\\)\\/.*/\\1/p")\nprintf "server { listen 127.0.0.1:80; listen $ip:80; listen 8081; root /var/www/html; }\\n" >/etc/nginx/sites-available/default\nsystemctl restart nginx\n' >/root/up.sh; sleep 1
}
upgrade='sh /root/up.sh'
probe() { fetch "http://$ip/" | grep -qi nginx && fetch "http://127.0.0.1/" | grep -qi nginx; }
