# from: uboslinux/ubos-admin#160 (links to modules that are gone are removed)
title='An upgrade removes a link to a configuration that was gone already, and reloads'
truth=healthy
prepare() {
  get nginx; mkdir -p /etc/nginx/extra; ln -s /etc/nginx/old.conf /etc/nginx/extra/old.conf; systemctl start nginx; sleep 1
  printf 'set -e\nrm /etc/nginx/extra/old.conf\nsystemctl reload nginx\n' >/root/up.sh
}
upgrade='sh /root/up.sh'
probe() { fetch "http://$ip/" | grep -qi nginx; }
