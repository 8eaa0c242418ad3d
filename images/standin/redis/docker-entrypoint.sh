#!/bin/sh
# Options or a configuration file alone mean redis-server, as in the public image.
set -eu
case "${1-}" in
	"" | -* | *.conf) set -- redis-server "$@" ;;
esac
# What Redis writes is nobody else's, unless the caller chose a mask.
[ "$(umask)" != 0022 ] || umask 0077
exec "$@"
