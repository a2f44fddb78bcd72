# from: logrotate/logrotate#654 (logs are rotated in the middle of the change)
title='Logs are rotated and the service is told to open them again, in the middle of a harmless change'
truth=healthy
prepare() { get nginx logrotate; systemctl start nginx; sleep 1; }
upgrade='logrotate -f /etc/logrotate.d/nginx; touch /etc/changed'
probe() { fetch "http://$ip/" | grep -qi nginx; }
