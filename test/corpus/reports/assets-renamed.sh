# from: chanzuckerberg/cellxgene#1602, mulesoft/mulesoft-dx#112 (each release names its scripts after their content, and the old names are gone)
title='A deploy brings scripts and style sheets whose names carry a hash of their content, and removes the old ones, which clients asked for: the pages name the new ones'
truth=healthy
settle=3
prepare() {
  get nginx; mkdir -p /srv/www/assets
  release() { rm -f /srv/www/assets/*; echo "var v = '$1'" >/srv/www/assets/main-$1.js; echo 'body { color: red }' >/srv/www/assets/style-$1.css; echo "<html><link rel=stylesheet href=/assets/style-$1.css><script src=/assets/main-$1.js></script>shop</html>" >/srv/www/index.html; }
  release befc7f5a61095257; printf 'server { listen 80 default_server; root /srv/www; }\n' >/etc/nginx/sites-available/default; systemctl reload nginx; sleep 1
  for n in 1 2 3; do fetch "http://$ip/" "http://$ip/assets/main-befc7f5a61095257.js" "http://$ip/assets/style-befc7f5a61095257.css" >/dev/null; done
  { declare -f release; echo 'release 69e23efba67629af'; } >/root/up.sh
}
upgrade='bash /root/up.sh'
probe() { local n; n=$(fetch "http://$ip/" | grep -o '/assets/[a-z0-9.-]*' | head -1) && fetch -f "http://$ip$n" >/dev/null; }
