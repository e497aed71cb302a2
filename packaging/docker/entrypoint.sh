#!/bin/sh
# Flags alone are for the server. Whatever is run takes this script's place, so that it is process 1 and gets signals.
set -eu

case "${1:--}" in
-*) set -- nats-server "$@" ;;
esac
exec "$@"
