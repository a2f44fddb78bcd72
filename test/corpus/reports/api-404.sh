# from: invoiceninja/invoiceninja#3651, zeratax/matrix-registration#80 (the start page works, every call of the API is 404)
title='After the update the front page is served, and the API below /api answers 404 only'
truth=broken
prepare() {
  get nginx; mkdir -p /srv/www/api; echo front >/srv/www/index.html; echo '{"ok":1}' >/srv/www/api/status
  printf 'server { listen 80 default_server; root /srv/www; location /api/ { alias /srv/www/api/; } }\n' >/etc/nginx/sites-available/default; systemctl reload nginx
  printf 'set -e\nsed -i "s#alias /srv/www/api/#alias /srv/www/v2/#" /etc/nginx/sites-available/default\nsystemctl reload nginx\n' >/root/up.sh; sleep 1
}
upgrade='sh /root/up.sh'
probe() { fetch "http://$ip/api/status" | grep -q ok; }
