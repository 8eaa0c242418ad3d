#!/bin/sh
# "haproxy ..." becomes a master with one worker in the foreground (-W -db), as in the public image, so that
# SIGUSR2 reloads and SIGUSR1 stops softly.
set -eu
case "${1-}" in
	-*) set -- haproxy "$@" ;;
esac
if [ "${1-}" = haproxy ]; then
	shift
	set -- haproxy -W -db "$@"
fi
exec "$@"
