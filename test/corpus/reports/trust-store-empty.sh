# from: made as a sibling of corporate-ca-gone (no report)
title='A cleanup removes the list of trusted authorities: programs in the instance refuse every server with TLS'
truth=broken
settle=3
prepare() { get ca-certificates; printf 'rm -f /etc/ssl/certs/*\n' >/root/up.sh; }
upgrade='sh /root/up.sh'
probe() { [ "$(grep -c BEGIN /etc/ssl/certs/ca-certificates.crt)" -gt 50 ]; }
