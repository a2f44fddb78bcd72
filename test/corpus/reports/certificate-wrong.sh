# from: made for the kind that the issue names (certificate for another name; no report)
title='An update sets the server back to its own default certificate: browsers refuse every caller'
truth=broken
prepare() {
  get nginx openssl; mkdir -p /etc/tls
  openssl req -x509 -newkey rsa:2048 -nodes -keyout /etc/tls/key -out /etc/tls/cert -days 90 -subj /CN=shop.example.test -addext subjectAltName=DNS:shop.example.test 2>/dev/null
  printf 'server { listen 443 ssl default_server; ssl_certificate /etc/tls/cert; ssl_certificate_key /etc/tls/key; root /var/www/html; }\n' >/etc/nginx/sites-available/default
  systemctl restart nginx
  printf 'set -e\nopenssl req -x509 -newkey rsa:2048 -nodes -keyout /etc/tls/key -out /etc/tls/cert -days 3650 -subj /CN=localhost -addext subjectAltName=DNS:localhost 2>/dev/null\nsystemctl reload nginx\n' >/root/up.sh; sleep 1
}
upgrade='sh /root/up.sh'
probe() { curl -sS -m 5 --cacert /etc/tls/cert --resolve "shop.example.test:443:$ip" https://shop.example.test/ | grep -qi nginx; }
