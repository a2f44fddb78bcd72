# from: made as a sibling of mime-types-lost (no report)
title='A deploy forgets the style sheet, and the site answers unknown paths with its first page and status 200: browsers refuse it'
truth=broken
settle=3
prepare() {
  get nginx; mkdir -p /srv/www; echo '<html><link rel=stylesheet href=/main.css>shop</html>' >/srv/www/index.html; echo 'body { color: red }' >/srv/www/main.css
  printf 'server { listen 80 default_server; root /srv/www; location / { try_files $uri /index.html; } }\n' >/etc/nginx/sites-available/default; systemctl reload nginx; sleep 1
}
upgrade='rm /srv/www/main.css'
probe() { fetch "http://$ip/main.css" | grep -q color; }
