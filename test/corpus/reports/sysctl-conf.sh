# from: claytono/infra#764, sonic-net/sonic-mgmt#21374 (Debian 13 does not read /etc/sysctl.conf any more)
title='A router with its forwarding in /etc/sysctl.conf; the next release of procps does not read that file: it forwards until the next boot'
truth=broken
prepare() { get procps; echo 'net.ipv4.ip_forward=1' >>/etc/sysctl.conf; sysctl -qw net.ipv4.ip_forward=1; }
upgrade="$apt_t procps"
probe() { systemd-analyze cat-config sysctl.d | grep -q '^net.ipv4.ip_forward *= *1'; }
