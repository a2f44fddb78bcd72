# from: microsoft/azurelinux#7037 (the user of the name server disappears from passwd when the package is updated)
title='An update resets /etc/passwd: the user of a running service is gone, the next start fails'
truth=broken
prepare() {
  useradd -r zoned; perl_http /usr/local/bin/zoned zones
  unit /etc/systemd/system/zoned.service /usr/local/bin/zoned 'User=zoned'
  systemctl daemon-reload; systemctl enable -q --now zoned; sleep 1
}
upgrade="sed -i /^zoned:/d /etc/passwd /etc/shadow"
probe() { fetch "http://$ip:8080/" | grep -q zones && id zoned; }
