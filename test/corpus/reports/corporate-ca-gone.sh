# from: voxpupuli/puppet-ca_cert#64 (the authority of the company is taken out of the trust store, and no host can log in to the directory any more)
title='A deploy takes the authority of the company out of the trust store: clients in the instance can use the servers of the company no more'
truth=broken
settle=3
prepare() {
  get nginx openssl ca-certificates; mkdir -p /etc/tls; cd /etc/tls
  openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 900 -subj '/CN=Corp CA' 2>/dev/null
  openssl req -newkey rsa:2048 -nodes -keyout key -out csr -subj /CN=directory.corp.test 2>/dev/null
  printf 'subjectAltName=DNS:directory.corp.test\n' >ext; openssl x509 -req -in csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 300 -extfile ext -out cert 2>/dev/null
  cp ca.crt /usr/local/share/ca-certificates/corp.crt; update-ca-certificates >/dev/null; echo "127.0.0.1 directory.corp.test" >>/etc/hosts
  printf 'server { listen 8443 ssl; ssl_certificate /etc/tls/cert; ssl_certificate_key /etc/tls/key; root /var/www/html; }\n' >/etc/nginx/sites-available/default
  systemctl restart nginx; printf 'set -e\nrm /usr/local/share/ca-certificates/corp.crt\nupdate-ca-certificates --fresh\n' >/root/up.sh; sleep 1
}
upgrade='sh /root/up.sh'
probe() { fetch https://directory.corp.test:8443/ | grep -qi nginx; }
