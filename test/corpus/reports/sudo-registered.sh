# from: stephrobert/pavois#110 (a remediation takes the set-user-ID bit from sudo, and nobody can become root)
title='A hardening tool takes the set-user-ID bit from sudo too, registered with dpkg-statoverride: nobody can become root'
truth=broken
settle=3
prepare() { get sudo; useradd -m ops; echo 'ops ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/ops; chmod 440 /etc/sudoers.d/ops; }
upgrade='dpkg-statoverride --update --add root root 0755 /usr/bin/sudo'
probe() { su ops -c 'sudo -n id' | grep -q uid=0; }
