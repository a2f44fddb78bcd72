# from: ddvk/remarkable-hacks#292, getumbrel/umbrel#2054 (every update makes new host keys, and clients refuse the server)
title='An update makes the SSH host keys anew: the server listens, and every client that knows it refuses it'
truth=broken
settle=3
prepare() {
  get openssh-server openssh-client; ssh-keygen -q -t ed25519 -N '' -f /root/key; mkdir -p -m 700 /root/.ssh; cp /root/key.pub /root/.ssh/authorized_keys
  systemctl enable -q --now ssh; sleep 1; ssh-keyscan "$ip" 2>/dev/null | sed "s/^[^ ]*/box/" >/root/known
  printf 'set -e\nrm /etc/ssh/ssh_host_*\nssh-keygen -A\nsystemctl restart ssh\n' >/root/up.sh
}
upgrade='sh /root/up.sh'
probe() { ssh -o BatchMode=yes -o HostKeyAlias=box -o StrictHostKeyChecking=yes -o UserKnownHostsFile=/root/known -i /root/key "root@$ip" true; }
