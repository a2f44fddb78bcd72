# from: IceWhaleTech/CasaOS#1987, inverse-inc/packetfence#2378 (the upgrade changes owner and mode of folders that everybody uses)
title='The upgrade leaves /tmp to root alone: ordinary users and services cannot make a temporary file any more'
truth=broken
prepare() { useradd -m ops; }
upgrade='chmod 755 /tmp /var/tmp'
probe() { su ops -c 'f=$(mktemp) && rm "$f"'; }
