# from: Metaswitch/crest#210 (the package disables its nginx site before the upgrade and does not enable it again)
title='A package takes its nginx site out before the upgrade and forgets to put it back: callers of its name get the default page'
truth=broken
prepare() {
  get nginx; mkdir -p /srv/crest; echo crest-api >/srv/crest/index.html
  printf 'server { listen 80; server_name crest.example.test; root /srv/crest; }\n' >/etc/nginx/sites-available/crest
  ln -s ../sites-available/crest /etc/nginx/sites-enabled/crest; systemctl reload nginx
  printf 'set -e\nrm /etc/nginx/sites-enabled/crest\nsystemctl reload nginx\n' >/root/up.sh; sleep 1
}
upgrade='sh /root/up.sh'
probe() { fetch -H 'Host: crest.example.test' "http://$ip/" | grep -q crest-api; }
