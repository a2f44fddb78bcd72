# from: systemd/systemd#42929 (a job for one time is removed after it ran)
title='A job of at that was due runs during the change, and is in the queue no more'
truth=healthy
settle=3
prepare() {
  get at; systemctl enable -q --now atd; echo 'date >>/var/lib/reminded' | at -M now + 3 minutes; echo 'date >>/var/lib/reminded' | at -M now + 7 minutes
  printf 'count=$(atq | wc -l)\nfor turn in $(seq 400); do [ $(atq | wc -l) -lt $count ] && exit 0; sleep 1; done\nexit 1\n' >/root/up.sh
}
upgrade='sh /root/up.sh'
probe() { systemctl is-active -q atd; }
