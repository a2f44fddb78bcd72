# from: made as a sibling of account-expired (no report)
title='A role asks every account for a new password at its next login: cron refuses the jobs of a service account'
truth=broken
settle=3
prepare() { get cron; useradd -m -s /bin/sh reporter; echo '* * * * * date >/home/reporter/stamp' | crontab -u reporter -; printf 'set -e\nfor user in $(awk -F: "\\$3 >= 1000 && \\$3 < 60000 { print \\$1 }" /etc/passwd); do chage -d 0 $user; done\n' >/root/up.sh; }
upgrade='sh /root/up.sh'
probe() { setpriv --reuid=reporter --regid=reporter --init-groups true && ! chage -l reporter | grep -q 'must be changed'; }
