# from: made as a sibling of pam-module-gone (no report)
title='A role adds an optional module of PAM that is not installed: PAM passes over it'
truth=healthy
settle=3
prepare() { get cron; useradd -m -s /bin/sh ops; echo '* * * * * date >/home/ops/stamp' | crontab -u ops -; }
upgrade='echo "session optional pam_lastlog2.so" >>/etc/pam.d/common-session'
probe() { su ops -c true; }
