# from: openmediavault/openmediavault#945, konstruktoid/ansible-role-hardening#76, fervidus/secure_linux_cis#98 (pam_tally2.so does not exist any more, every login is refused)
title='A hardening role adds pam_tally2.so, which Debian does not have any more, to the shared PAM files: nobody can log in, and the jobs of ordinary users do not run'
truth=broken
settle=3
prepare() {
  get cron; useradd -m -s /bin/sh ops; echo '* * * * * date >/home/ops/stamp' | crontab -u ops -
  printf 'set -e\nsed -i "1i auth required pam_tally2.so deny=5 onerr=fail" /etc/pam.d/common-auth\nsed -i "1i account required pam_tally2.so" /etc/pam.d/common-account\n' >/root/up.sh
}
upgrade='sh /root/up.sh'
probe() { su ops -c true; }
