# from: made as a sibling of pam-module-gone (no report)
title='The package of a module of PAM that sshd requires is taken away as not needed any more: keys are accepted, and nobody gets in'
truth=broken
settle=3
prepare() {
  get openssh-server openssh-client; ssh-keygen -q -t ed25519 -N '' -f /root/key; useradd -m -s /bin/sh ops; mkdir -p -m 700 /home/ops/.ssh; cp /root/key.pub /home/ops/.ssh/authorized_keys; chown -R ops: /home/ops/.ssh
  rm -f /lib/x86_64-linux-gnu/security/pam_site.so; cp /lib/x86_64-linux-gnu/security/pam_permit.so /lib/x86_64-linux-gnu/security/pam_site.so
  sed -i '1i account required pam_site.so' /etc/pam.d/sshd; systemctl enable -q --now ssh; sleep 1
}
upgrade='rm /lib/x86_64-linux-gnu/security/pam_site.so'
probe() { ssh -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -i /root/key "ops@$ip" true; }
