#!/bin/bash
# Starts PostgreSQL; on an empty data folder makes the cluster first, by the environment that users of the
# public image know. Unlike the public image it never starts as root: run it as uid 999.
set -Eeuo pipefail

readonly INIT_FOLDER=/docker-entrypoint-initdb.d

say() { printf '%s: %s\n' "${0##*/}" "$*"; }
die() { say "error: $*" >&2; exit 1; }

# NAME, or the content of the file that NAME_FILE points at, or a default. Both at once is a mistake.
setting() {
	local name=$1 default=${2-} file_name="$1_FILE"
	if [[ -n ${!name-} && -n ${!file_name-} ]]; then
		die "$name and $file_name are both set; set one"
	fi
	if [[ -n ${!file_name-} ]]; then
		[[ -r ${!file_name} ]] || die "$file_name names ${!file_name}, which cannot be read"
		printf -v "$name" '%s' "$(<"${!file_name}")"
	elif [[ -z ${!name-} ]]; then
		printf -v "$name" '%s' "$default"
	fi
	unset "$file_name"
}

read_settings() {
	setting POSTGRES_PASSWORD
	setting POSTGRES_USER postgres
	setting POSTGRES_DB "$POSTGRES_USER"
	setting POSTGRES_INITDB_ARGS
	: "${POSTGRES_HOST_AUTH_METHOD:=}" "${POSTGRES_INITDB_WALDIR:=}"
	if [[ -z $POSTGRES_PASSWORD && $POSTGRES_HOST_AUTH_METHOD != trust ]]; then
		die "the data folder is empty and no POSTGRES_PASSWORD (or POSTGRES_PASSWORD_FILE) is given"
	fi
}

make_cluster() {
	local -a options=(--username="$POSTGRES_USER")
	[[ -z $POSTGRES_INITDB_WALDIR ]] || options+=(--waldir="$POSTGRES_INITDB_WALDIR")
	# POSTGRES_INITDB_ARGS is a command line; xargs splits it as a shell would, without running anything.
	local -a extra=()
	[[ -z $POSTGRES_INITDB_ARGS ]] || mapfile -t extra < <(xargs -n1 printf '%s\n' <<<"$POSTGRES_INITDB_ARGS")
	if [[ -z $POSTGRES_PASSWORD ]]; then
		initdb "${options[@]}" "${extra[@]}"
	else
		# The password travels through a pipe: never an argument, never a file.
		initdb "${options[@]}" "${extra[@]}" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD")
	fi
}

allow_hosts() {
	local method=$POSTGRES_HOST_AUTH_METHOD
	[[ -n $method ]] || method=$(postgres -C password_encryption "$@")
	[[ $method != trust ]] || say "warning: POSTGRES_HOST_AUTH_METHOD=trust lets anybody in without a password"
	printf '\nhost all all all %s\n' "$method" >>"$PGDATA/pg_hba.conf"
}

sql() {
	psql -v ON_ERROR_STOP=1 --no-psqlrc --no-password --username "$POSTGRES_USER" "$@"
}

make_database() {
	[[ $POSTGRES_DB != postgres ]] || return 0
	sql --dbname postgres --set db="$POSTGRES_DB" <<<'CREATE DATABASE :"db";'
}

# Kept under the public image's name: init scripts that are sourced call it.
docker_process_sql() { sql --dbname "$POSTGRES_DB" "$@"; }

run_init_files() {
	local file
	for file in "$INIT_FOLDER"/*; do
		case $file in
			*.sh)
				say "running $file"
				# shellcheck disable=SC1090
				if [[ -x $file ]]; then "$file"; else . "$file"; fi ;;
			*.sql) say "running $file"; docker_process_sql -f "$file" ;;
			*.sql.gz) say "running $file"; gzip -dc "$file" | docker_process_sql ;;
			*.sql.xz) say "running $file"; xz -dc "$file" | docker_process_sql ;;
			*.sql.zst) say "running $file"; zstd -dc "$file" | docker_process_sql ;;
			*) [[ ! -e $file ]] || say "ignoring $file" ;;
		esac
	done
}

# A server that nobody can reach but this script: socket only.
start_temporary_server() {
	local options
	printf -v options '%q ' "$@" -c listen_addresses= -p "${PGPORT:-5432}"
	PGUSER=${PGUSER:-$POSTGRES_USER} pg_ctl -D "$PGDATA" -o "$options" -w start
}

stop_temporary_server() {
	PGUSER=${PGUSER:-$POSTGRES_USER} pg_ctl -D "$PGDATA" -m fast -w stop
}

initialise() {
	read_settings
	make_cluster
	allow_hosts "$@"
	export PGPASSWORD=${PGPASSWORD-$POSTGRES_PASSWORD}
	start_temporary_server "$@"
	make_database
	run_init_files
	stop_temporary_server
	unset PGPASSWORD
	say "the cluster is made; starting it"
}

main() {
	[[ $# -gt 0 && ${1:0:1} != - ]] || set -- postgres "$@"
	[[ $1 == postgres ]] || exec "$@"
	[[ $(id -u) != 0 ]] || die "refusing to run as root; run as uid 999"

	umask 0077
	mkdir -p "$PGDATA"
	# Fails where the folder is a mount point that belongs to another user; initdb then says what is wrong.
	chmod 0700 "$PGDATA" 2>/dev/null || true
	if [[ -s $PGDATA/PG_VERSION ]]; then
		say "the data folder holds a cluster already; nothing is initialised"
	else
		initialise "${@:2}"
	fi
	exec "$@"
}

main "$@"
