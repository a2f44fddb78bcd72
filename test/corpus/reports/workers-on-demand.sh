# from: froxlor/froxlor#105, wodby/php#7 (pools of PHP with few callers are changed over to workers on demand)
title='A pool of PHP is changed over from four permanent workers to workers on demand: none is left while nobody calls'
truth=healthy
settle=12
prepare() {
  get nginx php-fpm; echo '<?php echo "made " . "here";' >/var/www/html/index.php
  printf 'server { listen 80 default_server; root /var/www/html; index index.php; location ~ \\.php$ { include snippets/fastcgi-php.conf; fastcgi_pass unix:/run/php/php8.2-fpm.sock; } }\n' >/etc/nginx/sites-available/default
  sed -i 's/^pm = .*/pm = static/; s/^pm.max_children = .*/pm.max_children = 4/' /etc/php/8.2/fpm/pool.d/www.conf; systemctl restart php8.2-fpm nginx; sleep 1
  printf 'set -e\nsed -i "s/^pm = .*/pm = ondemand/" /etc/php/8.2/fpm/pool.d/www.conf\nsystemctl restart php8.2-fpm\n' >/root/up.sh
}
upgrade='sh /root/up.sh'
probe() { fetch "http://$ip/" | grep -q 'made here'; }
