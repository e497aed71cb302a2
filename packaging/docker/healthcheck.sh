#!/bin/sh
# Asks the server whether it is well. GANNET_HEALTH_URL says where, if not at port 8222. Where that is not said and
# nobody listens, there is no monitoring to ask: then the server is as well as its process.
set -eu

url=${GANNET_HEALTH_URL:-}
if [ -z "$url" ]; then
    nc -z 127.0.0.1 8222 || exit 0
    url=http://127.0.0.1:8222/healthz
fi
exec wget -q -T 4 -O /dev/null "$url"
