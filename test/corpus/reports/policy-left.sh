# from: YunoHost/issues#2549 (a migration leaves policy-rc.d behind, and nothing is restarted or rotated any more)
title='A migration leaves /usr/sbin/policy-rc.d behind: no package starts its service any more, logs are not rotated'
truth=broken
prepare() { get nginx; systemctl start nginx; sleep 1; }
upgrade='printf "#!/bin/sh\nexit 101\n" >/usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d'
probe() { fetch "http://$ip/" | grep -qi nginx && invoke-rc.d nginx status >/dev/null; }
