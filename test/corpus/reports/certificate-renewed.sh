# from: made as the counterpart of certificate-wrong (no report)
title='A certificate is renewed with the same names, and nginx is reloaded'
truth=healthy
prepare() {
  get nginx openssl; mkdir -p /etc/tls
  printf 'set -e\nopenssl req -x509 -newkey rsa:2048 -nodes -keyout /etc/tls/key -out /etc/tls/cert -days 90 -subj /CN=shop.example.test -addext subjectAltName=DNS:shop.example.test 2>/dev/null\nsystemctl reload nginx\n' >/root/up.sh
  printf 'server { listen 443 ssl default_server; ssl_certificate /etc/tls/cert; ssl_certificate_key /etc/tls/key; root /var/www/html; }\n' >/etc/nginx/sites-available/default
  sh /root/up.sh; systemctl restart nginx; sleep 1
}
upgrade='sh /root/up.sh'
probe() { curl -sSk -m 5 "https://$ip/" | grep -qi nginx; }
