# from: IceWhaleTech/CasaOS#1987 (the upgrade gives system files to an ordinary user, sudo refuses to work)
title='An upgrade changes the owner of files in /usr/bin: sudo is not set-user-ID root any more, nobody can become root'
truth=broken
prepare() { get sudo; useradd -m ops; echo 'ops ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/ops; chmod 440 /etc/sudoers.d/ops; }
upgrade='chown ops: /usr/bin/sudo'
probe() { su ops -c 'sudo -n id' | grep -q uid=0; }
