"""Jobs of maintenance tasks: SQL in the database's own image, as the app's own user, and commands of people's own.

They belong to their MaintenanceWindow: one that is deleted takes them along.
"""

from __future__ import annotations

from memoapp_operator.api.v1alpha1.maintenancewindow import MaintenanceWindow
from memoapp_operator.api.v1alpha1.memoapp import Colour
from memoapp_operator.api.v1alpha1.release import Suite
from memoapp_operator.api.v1alpha1.tasks import JobTask, Task
from memoapp_operator.domain import names
from memoapp_operator.domain.durations import seconds
from memoapp_operator.domain.manifest import JOB, MAINTENANCE_WINDOW, Manifest
from memoapp_operator.domain.references import connection_name
from memoapp_operator.domain.revision import Revision
from memoapp_operator.domain.run_tasks import TASK_TIMEOUT

from . import jobs, pod
from .agent_pod import client
from .context import Context
from .declared import stored
from .endpoints import SERVICE_PORT
from .jobs import START_ROOM
from .metadata import name
from .quantity import resources

COMPONENT = "maintenance"
WINDOW_LABEL = "memoapp.dev/window"
LOCK_TIMEOUT = "10s"
KEPT_SECONDS = 7 * 24 * 3600
"""A Job that is over stays to be looked at, with its pod's log; what came of it stands in the window's status."""
# The user postgres of the official image: psql needs none of its own, and runAsNonRoot a number.
_USER: Manifest = {"runAsUser": 999, "runAsGroup": 999}
_REQUESTS: Manifest = {"requests": {"cpu": "50m", "memory": "64Mi"}}
_TMP_VOLUME, _TMP_PATH = "memoapp-tmp", "/tmp"  # noqa: S108 - a volume of its own
_OURS = """\
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm') AND pg_has_role(c.relowner, 'USAGE') AND c.relpersistence <> 't'
  AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
ORDER BY n.nspname, c.relname
"""
"""Tables and materialized views that the user may look after; none of the server's own."""
_VACUUM = f"SELECT format('VACUUM (ANALYZE) %I.%I', n.nspname, c.relname) {_OURS}\\gexec\n"
# What REINDEX CONCURRENTLY leaves behind where it was ended: an index that is not valid, and is kept up to date.
# Source: https://www.postgresql.org/docs/18/sql-reindex.html#SQL-REINDEX-CONCURRENTLY
_LEFT = """\
SELECT format('DROP INDEX CONCURRENTLY IF EXISTS %I.%I', n.nspname, c.relname)
FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE NOT i.indisvalid AND c.relname ~ '_ccnew[0-9]*$' AND pg_has_role(c.relowner, 'USAGE')
\\gexec
"""
_REINDEX = f"{_LEFT}SELECT format('REINDEX TABLE CONCURRENTLY %I.%I', n.nspname, c.relname) {_OURS}\\gexec\n"
_SCRIPT = 'printf "%s" "$MEMOAPP_SQL" | psql -X -q -a -v ON_ERROR_STOP=1'


def job(context: Context, window: MaintenanceWindow, task: Task, named: str, *, undo: bool = False) -> Manifest | None:
    """The Job of a task, or of what undoes it.

    None where it needs psql and nothing names an image that has it, or where no Job does it.
    """
    limit = task.timeout or TASK_TIMEOUT
    if task.job is not None:
        declared = task.job.model_copy(update={"command": task.job.undo, "args": None}) if undo else task.job
        return _job(context, window, named, _command(context, window, declared), declared, limit)
    image = client(context)
    if image is None:
        return None
    if task.vacuum_analyze is not None:
        lock, sql = task.vacuum_analyze.lock_timeout, _VACUUM
    elif task.reindex is not None:
        lock, sql = task.reindex.lock_timeout, _REINDEX
    else:
        return None
    return _job(context, window, named, _psql(context, image, sql, lock or LOCK_TIMEOUT, limit), None, limit)


def test_job(
    context: Context, window: MaintenanceWindow, suite: Suite, revision: Revision, colour: Colour, named: str
) -> Manifest:
    """The Job of one of the app's own tests after the tasks: as in a release, on the colour that serves."""
    found = jobs.test(context, suite, revision, colour, named)
    labels = _labels(context, window)
    found["metadata"] |= {"labels": labels, "ownerReferences": [_owner(window)]}
    found["spec"]["template"]["metadata"]["labels"] = labels
    found["spec"]["ttlSecondsAfterFinished"] = KEPT_SECONDS
    return found


def _psql(context: Context, image: str, sql: str, lock: str, limit: str) -> Manifest:
    """As the app's own user; the password reaches it as a variable, never as an argument."""
    secret = connection_name(context.app.metadata.name)
    told = {"PGHOST": "host", "PGPORT": "port", "PGDATABASE": "dbname", "PGUSER": "user", "PGPASSWORD": "password"}
    options = f"-c lock_timeout={seconds(lock) * 1000} -c statement_timeout={seconds(limit) * 1000}"
    return {
        "name": COMPONENT,
        "image": image,
        "command": ["sh", "-c", _SCRIPT],
        "env": [
            *({"name": key, "valueFrom": {"secretKeyRef": {"name": secret, "key": of}}} for key, of in told.items()),
            {"name": "PGOPTIONS", "value": options},
            {"name": "PGCONNECT_TIMEOUT", "value": "10"},
            {"name": "MEMOAPP_SQL", "value": sql},
        ],
        "resources": resources(None, _REQUESTS),
        "securityContext": pod.restricted(read_only=True),
    }


def _command(context: Context, window: MaintenanceWindow, task: JobTask) -> Manifest:
    declared: list[Manifest] = stored(task.env or [])
    taken = {variable["name"] for variable in declared}
    told = {
        "MEMOAPP_URL": f"http://{name(context, None)}.{context.app.metadata.namespace}.svc:{SERVICE_PORT}",
        "MEMOAPP_WINDOW": window.metadata.name,
    }
    return {
        "name": COMPONENT,
        "image": task.image,
        "command": task.command,
        "args": task.args,
        # First, so that the task's own can name them: $(MEMOAPP_URL).
        "env": [*({"name": key, "value": value} for key, value in told.items() if key not in taken), *declared],
        "resources": resources(task.resources, _REQUESTS),
        "securityContext": pod.restricted(read_only=False),
    }


def _labels(context: Context, window: MaintenanceWindow) -> Manifest:
    return {**names.labels(context.app.metadata.name, COMPONENT), WINDOW_LABEL: window.metadata.name}


def _owner(window: MaintenanceWindow) -> Manifest:
    return {
        "apiVersion": MAINTENANCE_WINDOW.api_version,
        "kind": MAINTENANCE_WINDOW.kind,
        "name": window.metadata.name,
        "uid": window.metadata.uid,
    }


def _job(
    context: Context, window: MaintenanceWindow, named: str, container: Manifest, task: JobTask | None, limit: str
) -> Manifest:
    app = context.app.metadata
    labels = _labels(context, window)
    user = _USER if task is None else stored(task.security_context) or {}
    container |= {
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [pod.mount(_TMP_VOLUME, _TMP_PATH)],
    }
    spec = {
        **pod.spec(context, user),
        "containers": [{key: value for key, value in container.items() if value}],
        "volumes": [pod.empty_volume(_TMP_VOLUME)],
    }
    return {
        "apiVersion": JOB.api_version,
        "kind": JOB.kind,
        "metadata": {"name": named, "namespace": app.namespace, "labels": labels, "ownerReferences": [_owner(window)]},
        "spec": {
            "backoffLimit": 0,
            "ttlSecondsAfterFinished": KEPT_SECONDS,
            "podReplacementPolicy": "Failed",
            "activeDeadlineSeconds": seconds(limit) + START_ROOM,
            "template": {
                "metadata": {"labels": labels},
                "spec": {**spec, "restartPolicy": "Never", "activeDeadlineSeconds": seconds(limit)},
            },
        },
    }
