# from: made as a sibling of corporate-ca-gone (no report)
title='An administrator deselects five authorities of the package ca-certificates'
truth=healthy
settle=3
prepare() { get ca-certificates; printf 'set -e\nawk "/^mozilla/ && n++ < 5 { print \\"!\\" \\$0; next } { print }" /etc/ca-certificates.conf >/root/conf\ncp /root/conf /etc/ca-certificates.conf\nupdate-ca-certificates\n' >/root/up.sh; }
upgrade='sh /root/up.sh'
probe() { [ "$(grep -c BEGIN /etc/ssl/certs/ca-certificates.crt)" -gt 50 ]; }
