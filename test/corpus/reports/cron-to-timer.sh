# from: certbot/certbot#8889 and others (a package moves its job from cron to a timer)
title='A package brings a timer for the job that it had in /etc/cron.d'
truth=healthy
prepare() {
  get cron; printf '#!/bin/sh\ndate >/var/lib/rotate.stamp\n' >/usr/local/bin/rotate-keys; chmod 755 /usr/local/bin/rotate-keys; rotate-keys
  echo '* * * * * root /usr/local/bin/rotate-keys' >/etc/cron.d/rotate-keys
  cat >/root/up.sh <<'U'
set -e
rm /etc/cron.d/rotate-keys
printf '[Service]\nType=oneshot\nExecStart=/usr/local/bin/rotate-keys\n' >/etc/systemd/system/rotate-keys.service
printf '[Timer]\nOnCalendar=minutely\n[Install]\nWantedBy=timers.target\n' >/etc/systemd/system/rotate-keys.timer
systemctl daemon-reload; systemctl enable -q --now rotate-keys.timer
U
}
upgrade='sh /root/up.sh'
probe() { systemctl is-active -q rotate-keys.timer || grep -q rotate /etc/cron.d/*; }
