# from: sonic-net/sonic-buildimage#25991, libreswan/libreswan#2736 (the upgrade leaves an empty /etc/resolv.conf)
title='A migration removes /etc/resolv.conf and makes an empty one: nothing resolves, every service goes on'
truth=broken
prepare() { getent hosts $(sed -n 's#^URIs: https\?://\([^/]*\).*#\1#p' /etc/apt/sources.list.d/*.sources | head -1) >/root/before; }
upgrade='rm -f /etc/resolv.conf && touch /etc/resolv.conf'
probe() { getent hosts $(sed -n 's#^URIs: https\?://\([^/]*\).*#\1#p' /etc/apt/sources.list.d/*.sources | head -1); }
