# from: RsyncProject/rsync#46 (since the new version of the package two of five modules look empty; its unit hides /home)
title='The unit of the new version hides /home (ProtectHome): the rsync server answers and lists its modules, and one of the two cannot be read'
truth=broken
settle=3
prepare() {
  get rsync; mkdir -p /srv/pub /home/data; echo a >/srv/pub/a; echo report >/home/data/report
  printf 'uid = root\nuse chroot = no\nread only = true\n[pub]\npath = /srv/pub\n[data]\npath = /home/data\n' >/etc/rsyncd.conf; systemctl enable -q --now rsync
  printf 'set -e\nmkdir -p /etc/systemd/system/rsync.service.d\nprintf "[Service]\\nProtectHome=yes\\n" >/etc/systemd/system/rsync.service.d/hardening.conf\nsystemctl daemon-reload\nsystemctl restart rsync\n' >/root/up.sh; sleep 1
}
upgrade='sh /root/up.sh'
probe() { rsync "rsync://$ip/data/" | grep -q report; }
