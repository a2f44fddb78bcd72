# from: made as a sibling of account-expired (no report)
title='A role lets passwords expire after a year; those that there are were set lately'
truth=healthy
settle=3
prepare() { get cron; useradd -m -s /bin/sh reporter; chage -d "$(date +%F)" reporter; echo '* * * * * date >/home/reporter/stamp' | crontab -u reporter -; echo 'chage -M 365 -I 30 -W 14 reporter' >/root/up.sh; }
upgrade='sh /root/up.sh'
probe() { su reporter -c true; }
