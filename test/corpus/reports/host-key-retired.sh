# from: made as a sibling of host-keys-new (no report)
title='A role takes the RSA and ECDSA host keys away and keeps the Ed25519 one, which clients know'
truth=healthy
settle=3
prepare() {
  get openssh-server openssh-client; ssh-keygen -q -t ed25519 -N '' -f /root/key; mkdir -p -m 700 /root/.ssh; cp /root/key.pub /root/.ssh/authorized_keys
  systemctl enable -q --now ssh; sleep 1; ssh-keyscan "$ip" 2>/dev/null | sed "s/^[^ ]*/box/" >/root/known
  printf 'set -e\nrm /etc/ssh/ssh_host_rsa_key* /etc/ssh/ssh_host_ecdsa_key*\nsystemctl restart ssh\n' >/root/up.sh
}
upgrade='sh /root/up.sh'
probe() { ssh -o BatchMode=yes -o HostKeyAlias=box -o StrictHostKeyChecking=yes -o UserKnownHostsFile=/root/known -i /root/key "root@$ip" true; }
