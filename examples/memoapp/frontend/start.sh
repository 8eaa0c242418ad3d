#!/bin/sh
# Starts nginx, with a fault of the pages where one is asked for: FAULT=errors-<n>% answers n percent of them with 500,
# FAULT=slow-<n>ms answers each n milliseconds later. The API behind nginx and nginx' own health are not concerned.
set -eu

refuse() {
  echo "FAULT '$FAULT' is not known; there are: errors-<n>%, slow-<n>ms" >&2
  exit 2
}

number() { # from 1 to $2, of at most six digits and without a leading zero, which would make it octal
  case "$1" in "" | 0* | *[!0-9]* | ???????*) refuse ;; esac
  [ "$1" -le "$2" ] || refuse
}

FAULT="${FAULT:-}"
case "$FAULT" in
  "") ;;
  errors-*%)
    n="${FAULT#errors-}" n="${n%\%}"
    number "$n" 100
    case "$n" in 100) shares='* 1;' ;; *) shares="$n% 1; * \"\";" ;; esac
    echo "split_clients \$request_id \$broken { $shares }" > /tmp/fault-http.conf
    echo 'if ($broken) { return 500 "broken on purpose\n"; }' > /tmp/fault-page.conf
    ;;
  slow-*ms)
    n="${FAULT#slow-}" n="${n%ms}"
    number "$n" 60000
    echo "echo_sleep $(printf '%d.%03d' $((n / 1000)) $((n % 1000))); echo_exec @page;" > /tmp/fault-page.conf
    ;;
  *) refuse ;;
esac
exec nginx -e stderr -g "daemon off;" "$@"
