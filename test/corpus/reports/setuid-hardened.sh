# from: Kicksecure/security-misc#132, gominimal/pkgs#624 (programs that nobody needs as root lose their set-user-ID bit, registered with dpkg-statoverride)
title='An administrator takes the set-user-ID bit from chfn, chsh, gpasswd and newgrp and registers that with dpkg-statoverride'
truth=healthy
settle=3
prepare() {
  useradd -m -s /bin/sh ops; perl_http /usr/local/bin/web web; unit /etc/systemd/system/web.service /usr/local/bin/web
  systemctl daemon-reload; systemctl enable -q --now web; sleep 1
  printf 'set -e\nfor file in chfn chsh gpasswd newgrp; do dpkg-statoverride --update --add root root 0755 /usr/bin/$file; done\n' >/root/up.sh
}
upgrade='sh /root/up.sh'
probe() { fetch "http://$ip:8080/" | grep -q web && su ops -c true; }
