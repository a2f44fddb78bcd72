# from: stackhpc/stackhpc-kayobe-config#1106 (the hardening gives every account an expiry of its password, and service accounts are locked out)
title='A hardening role lets the passwords of all accounts expire after 90 days: the account of a nightly report is locked, and cron refuses its jobs'
truth=broken
settle=3
prepare() {
  get cron; useradd -m -s /bin/sh reporter; chage -d 2025-01-01 reporter; echo '* * * * * date >/home/reporter/stamp' | crontab -u reporter -
  printf 'set -e\nfor user in $(awk -F: "\\$3 >= 1000 && \\$3 < 60000 { print \\$1 }" /etc/passwd); do chage -M 90 -I 30 $user; done\n' >/root/up.sh
}
upgrade='sh /root/up.sh'
probe() { su reporter -c true; }
