"""What the environment says to an agent.

========================  ==========================================================================================
PG*                       libpq's own: the database, PGPASSWORD among them
MEMOAPP_APP_NAME          the MemoApp's name
MEMOAPP_APP_NAMESPACE     its namespace
MEMOAPP_BACKUP_NAME       name of the backup; without it that of the schedule's Job (MEMOAPP_JOB) gives it one
MEMOAPP_BACKUP_PREFIX     what such a name begins with
MEMOAPP_BACKUP_REASON     why it is taken
MEMOAPP_ORDERED_AT        when it was ordered (RFC 3339); without it when the schedule's Job was due
MEMOAPP_APP               file with the MemoApp as JSON
MEMOAPP_CONFIG            folder with ConfigMaps and Secrets to save, a folder each below ``configmaps``, ``secrets``
MEMOAPP_REDIS_URI         Redis that is saved too, with its password
MEMOAPP_RECIPIENTS        file with age recipients; without it nothing is sealed, and Secrets are left out
MEMOAPP_DESTINATION       the destination as a MemoBackup says it, JSON
MEMOAPP_VOLUME            folder that backups are stored in; or
MEMOAPP_S3_*              ENDPOINT, BUCKET, PREFIX, REGION, PATH_STYLE, AUTHORITY (file), ACCESS_KEY, SECRET_KEY
MEMOAPP_SOURCE_*          VOLUME, S3_*: where a dump of old scripts lies; MEMOAPP_FILE is its name there
MEMOAPP_ENV_FILE          an old file of variables there, which becomes the Secret MEMOAPP_ENV_SECRET
MEMOAPP_FOLDER            folder of a backup that exists, with a slash at its end
MEMOAPP_IDENTITY          file with the age identities that open a backup
MEMOAPP_CHECKS            questions to a restored database, JSON: [{"name": ..., "query": ...}]
MEMOAPP_DATABASE          the database's name: of the live one, or what the restored one is called in a drill
MEMOAPP_BESIDE            what a copy beside the live database is called
MEMOAPP_KEPT              the database that was live before a restore; MEMOAPP_SINCE says when (RFC 3339)
MEMOAPP_EMPTY             "true": nothing serves yet, and the live database is empty
MEMOAPP_OWNER             user whose database it is
MEMOAPP_OWN               Secrets that a recovery does not bring back, with commas between
MEMOAPP_INTO              the MemoApp that a recovery is for
MEMOAPP_FOLLOWED          "true": another container of the pod says the last word, about the restored app
MEMOAPP_HEALTH            where that backend's health is read
MEMOAPP_LEASE             Lease of the app's data; without it no API server is asked
MEMOAPP_TOOLS             whether the container with the database's tools is there
MEMOAPP_WORK              folder that is shared with the database's image
MEMOAPP_TOLD              file that takes the line of JSON too (the pod's termination message)
========================  ==========================================================================================
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .manifest import App
from .s3 import S3, Bucket
from .stores import Store, Volume


class SettingsError(ValueError):
    """The environment says what cannot be; the message says which variable."""


@dataclass(frozen=True, slots=True)
class Taking:
    """What is to be taken.

    Attributes:
        name: of the backup.
        reason: why.
        since: when it was ordered, or due: one of the same name that is older is another one. RFC 3339, UTC.
        scheduled: the pod makes the MemoBackup itself; else there is one already.
        app: whose it is.
        manifest: the MemoApp.
        config: folder with what else is saved.
        recipients: file with age recipients.
        lock_timeout: how long one waits for a table that somebody changes.
        redis: URI of the Redis that is saved too; empty where none is.
    """

    name: str
    reason: str
    since: str
    scheduled: bool
    app: App
    manifest: dict[str, Any]
    config: Path | None
    recipients: Path | None
    lock_timeout: str
    redis: str = field(default="", repr=False)

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Taking:
        """Read it.

        Raises:
            SettingsError: a variable is missing or wrong.
        """
        manifest = _json(given(environment, "MEMOAPP_APP"))
        try:
            metadata, version = manifest["metadata"], manifest["spec"]["version"]
            app = App(name=metadata["name"], namespace=metadata["namespace"], uid=metadata["uid"], version=version)
        except (KeyError, TypeError):
            raise SettingsError("MEMOAPP_APP: it is no MemoApp") from None
        config, recipients = environment.get("MEMOAPP_CONFIG"), environment.get("MEMOAPP_RECIPIENTS")
        name, since = environment.get("MEMOAPP_BACKUP_NAME", ""), environment.get("MEMOAPP_ORDERED_AT", "")
        if not name:
            due = due_at(given(environment, "MEMOAPP_JOB"))
            name, since = (
                f"{given(environment, 'MEMOAPP_BACKUP_PREFIX')}-{due:%Y%m%d-%H%M%S}",
                f"{due:%Y-%m-%dT%H:%M:%SZ}",
            )
        return cls(
            name=name,
            since=since,
            reason=environment.get("MEMOAPP_BACKUP_REASON", "Manual"),
            scheduled=not environment.get("MEMOAPP_BACKUP_NAME"),
            app=app,
            manifest=manifest,
            config=Path(config) if config else None,
            recipients=_recipients(recipients),
            lock_timeout=environment.get("LOCK_WAIT_TIMEOUT", "60s"),
            redis=environment.get("MEMOAPP_REDIS_URI", ""),
        )


def due_at(job: str) -> datetime:
    """When a CronJob's Job was due: its name ends in the minutes since 1970.

    Source: kubernetes/pkg/controller/cronjob/utils.go, getJobName.

    Raises:
        SettingsError: no CronJob made it.
    """
    minutes = job.rpartition("-")[2]
    if not minutes.isdecimal():
        raise SettingsError(f"MEMOAPP_JOB: {job} was made by no CronJob")
    return datetime.fromtimestamp(int(minutes) * 60, UTC)


def _recipients(path: str | None) -> Path | None:
    """A file that is not there is an error: what was to be sealed must not be stored in clear."""
    if path and not Path(path).is_file():
        raise SettingsError(f"MEMOAPP_RECIPIENTS: {path} is not there")
    return Path(path) if path else None


def store_of(environment: Mapping[str, str], prefix: str = "MEMOAPP") -> Store:
    """The destination, or another one whose variables begin otherwise.

    Raises:
        SettingsError: a variable is missing.
    """
    volume = environment.get(f"{prefix}_VOLUME")
    if volume:
        return Volume(Path(volume))
    authority = environment.get(f"{prefix}_S3_AUTHORITY")
    return S3(
        Bucket(
            endpoint=given(environment, f"{prefix}_S3_ENDPOINT"),
            bucket=given(environment, f"{prefix}_S3_BUCKET"),
            access_key=given(environment, f"{prefix}_S3_ACCESS_KEY"),
            secret_key=given(environment, f"{prefix}_S3_SECRET_KEY"),
            prefix=environment.get(f"{prefix}_S3_PREFIX", "").strip("/"),
            region=environment.get(f"{prefix}_S3_REGION", "us-east-1"),
            path_style=environment.get(f"{prefix}_S3_PATH_STYLE", "true") == "true",
            authority=Path(authority) if authority else None,
        )
    )


def destination_of(environment: Mapping[str, str]) -> dict[str, Any]:
    """The destination as a MemoBackup says it."""
    try:
        found = json.loads(environment.get("MEMOAPP_DESTINATION", "{}"))
    except ValueError:
        raise SettingsError("MEMOAPP_DESTINATION: it is no JSON") from None
    if not isinstance(found, dict):
        raise SettingsError("MEMOAPP_DESTINATION: it is no object")
    return found


def given(environment: Mapping[str, str], name: str) -> str:
    """A variable that must be there.

    Raises:
        SettingsError: it is not.
    """
    value = environment.get(name, "")
    if not value:
        raise SettingsError(f"{name} is not set")
    return value


def _json(path: str) -> dict[str, Any]:
    try:
        found = json.loads(Path(path).read_bytes())
    except (OSError, ValueError) as error:
        raise SettingsError(f"MEMOAPP_APP: {type(error).__name__}") from None
    if not isinstance(found, dict):
        raise SettingsError("MEMOAPP_APP: it is no MemoApp")
    return found
