# from: made as a sibling of host-keys-new (no report)
title='A deploy gives the SSH server another host key by its configuration; the old ones stay on disk: clients refuse the server'
truth=broken
settle=3
prepare() {
  get openssh-server openssh-client; ssh-keygen -q -t ed25519 -N '' -f /root/key; mkdir -p -m 700 /root/.ssh; cp /root/key.pub /root/.ssh/authorized_keys
  systemctl enable -q --now ssh; sleep 1; ssh-keyscan "$ip" 2>/dev/null | sed "s/^[^ ]*/box/" >/root/known
  printf 'set -e\nssh-keygen -q -t ed25519 -N "" -f /etc/ssh/site_key\necho "HostKey /etc/ssh/site_key" >/etc/ssh/sshd_config.d/site.conf\nsystemctl restart ssh\n' >/root/up.sh
}
upgrade='sh /root/up.sh'
probe() { ssh -o BatchMode=yes -o HostKeyAlias=box -o StrictHostKeyChecking=yes -o UserKnownHostsFile=/root/known -i /root/key "root@$ip" true; }
