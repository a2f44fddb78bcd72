# from: codekitchen/dinghy#260, geerlingguy/ansible-role-nfs#34, delphix/delphix-platform#226 (the RPC services take other random ports, some below 1024, at every start)
title='rpc.statd is started again and takes other random ports, one of them below 1024; its callers ask the port mapper'
truth=healthy
settle=3
prepare() { get nfs-common rpcbind; systemctl enable -q --now rpcbind; systemctl start rpc-statd; sleep 1; }
upgrade='systemctl restart rpc-statd'
probe() { rpcinfo -u 127.0.0.1 status >/dev/null && rpcinfo -t 127.0.0.1 status >/dev/null; }
