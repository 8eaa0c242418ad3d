"""The shell scripts in PostgreSQL's pod: the guard before the image's entry point, and the first set-up.

Passwords are read inside psql from mounted files: they are in no argument, no variable and no log. The session that
speaks them out is logged nowhere and counted by no pg_stat_statements (which would keep the text of CREATE ROLE).
"""

from __future__ import annotations

from memoapp_operator.domain.manifest import CONFIG_MAP, Manifest

from .context import Context
from .endpoints import DATABASE
from .metadata import child

CONFIG = "database"
START_SCRIPT = "start.sh"
INIT_SCRIPT = "10-memoapp.sh"
MONITOR_ROLE = "memoapp_monitor"

VOLUME_PATH = "/var/lib/memoapp"
# A neutral path: from PostgreSQL 18 on, the image refuses a volume at its former one.
DATA_PATH = f"{VOLUME_PATH}/pgdata"
CREDENTIALS_PATH = "/etc/memoapp/credentials"
SCRIPTS_PATH = "/etc/memoapp/scripts"
_MARKER = f"{VOLUME_PATH}/initialising"

_START = f"""\
#!/bin/sh
# The image takes a data folder for complete once initdb has run; killed after that, it would never run the scripts
# that make the roles. The marker lies here from before initdb until those scripts are through; until then PostgreSQL
# has listened to nobody, so a half-made folder holds nothing and is put aside.
set -eu
if [ -e {_MARKER} ]; then
  rm -rf "$PGDATA.unfinished"
  if [ -e "$PGDATA" ]; then mv "$PGDATA" "$PGDATA.unfinished"; fi
elif [ ! -s "$PGDATA/PG_VERSION" ]; then
  touch {_MARKER}
fi
exec docker-entrypoint.sh postgres "$@"
"""

_INIT = f"""\
#!/bin/sh
# Runs once, on an empty volume, before PostgreSQL listens to anybody else.
set -eu
psql -v ON_ERROR_STOP=1 --no-psqlrc --no-password --quiet --username "$POSTGRES_USER" --dbname postgres <<'SQL'
SET log_statement = 'none';
SET log_min_duration_statement = -1;
SET log_min_error_statement = 'panic';
SET pg_stat_statements.track = 'none';
\\set password `cat {CREDENTIALS_PATH}/password`
\\set monitor_password `cat {CREDENTIALS_PATH}/monitor-password`
CREATE ROLE "@USER@" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD :'password';
CREATE ROLE {MONITOR_ROLE} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD :'monitor_password';
\\unset password
\\unset monitor_password
GRANT pg_monitor TO {MONITOR_ROLE};
CREATE DATABASE "@DATABASE@" OWNER "@USER@" TEMPLATE template0 ENCODING 'UTF8';
REVOKE ALL ON DATABASE "@DATABASE@" FROM PUBLIC;
REVOKE ALL ON DATABASE postgres FROM PUBLIC;
REVOKE ALL ON DATABASE template1 FROM PUBLIC;
GRANT CONNECT ON DATABASE "@DATABASE@" TO {MONITOR_ROLE};
GRANT CONNECT ON DATABASE postgres TO {MONITOR_ROLE};
CREATE EXTENSION pg_stat_statements;
\\connect "@DATABASE@"
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
CREATE EXTENSION pg_stat_statements;
SQL
rm -f {_MARKER}
rm -rf "$PGDATA.unfinished"
"""


def database_config(context: Context) -> tuple[Manifest, ...]:
    """The ConfigMap with both scripts, where PostgreSQL is managed."""
    if context.app.spec.database.managed is None:
        return ()
    data = {START_SCRIPT: _START, INIT_SCRIPT: init_script(context)}
    return ({**child(CONFIG_MAP, context, CONFIG, component=DATABASE), "data": data},)


def init_script(context: Context) -> str:
    """The set-up for this app. Its names are plain identifiers by the API's schema; quoted, they may be reserved."""
    database = context.app.spec.database
    return _INIT.replace("@USER@", database.user).replace("@DATABASE@", database.name)
