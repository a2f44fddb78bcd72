# from: hestiacp/hestiacp#2007, jetify-com/devbox#2693 (a "types" block of the new template replaces all media types, style sheets are sent as application/octet-stream)
title='The new template of a site has its own list of media types with text/html only: browsers refuse its style sheets and scripts'
truth=broken
settle=3
prepare() {
  get nginx; mkdir -p /srv/www; echo '<html><link rel="stylesheet" href="/style.css"><script src="/app.js"></script>shop</html>' >/srv/www/index.html
  echo 'body { color: red }' >/srv/www/style.css; echo 'var a = 1' >/srv/www/app.js
  printf 'server { listen 80 default_server; root /srv/www; }\n' >/etc/nginx/sites-available/default; systemctl reload nginx
  printf 'set -e\nprintf "server { listen 80 default_server; root /srv/www; types { text/html html htm php; } }\\n" >/etc/nginx/sites-available/default\nsystemctl reload nginx\n' >/root/up.sh; sleep 1
}
upgrade='sh /root/up.sh'
probe() { fetch -I "http://$ip/style.css" | grep -qi '^content-type: text/css'; }
