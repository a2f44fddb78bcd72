# from: Icinga/icinga2#6082 (a reload replaces the main process by another one)
title='A reload in the change replaces the main process of a service by a new one; it goes on to serve'
truth=healthy
prepare() {
  get nginx; systemctl start nginx; sleep 1
  printf 'set -e\nkill -USR2 $(cat /run/nginx.pid)\nsleep 2\nkill -QUIT $(cat /run/nginx.pid.oldbin)\nsleep 1\n' >/root/up.sh
}
upgrade='sh /root/up.sh'
probe() { fetch "http://$ip/" | grep -qi nginx; }
