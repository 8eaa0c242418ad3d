"""PostgreSQL and Redis: volumes, pods, and the scripts that set them up."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from memoapp_operator.domain.manifest import Manifest
from memoapp_operator.render.context import Context
from memoapp_operator.render.database_scripts import DATA_PATH, VOLUME_PATH

from tests.unit.render import apps


def claim(context: Context, name: str) -> Manifest:
    return apps.find(context, "PersistentVolumeClaim", name)


def size(context: Context, name: str) -> str:
    found: str = claim(context, name)["spec"]["resources"]["requests"]["storage"]
    return found


def script(context: Context, key: str) -> str:
    found: str = apps.find(context, "ConfigMap", "memo-database")["data"][key]
    return found


def server(context: Context, name: str) -> Manifest:
    found: Manifest = apps.pods(context)[name]["containers"][0]
    return found


@pytest.mark.parametrize(
    ("declared", "present", "wanted"),
    [("10Gi", None, "10Gi"), ("10Gi", "20Gi", "20Gi"), ("10Gi", "10240Mi", "10Gi"), ("1.5Gi", "1Gi", "1536Mi")],
)
def test_a_volume_grows_and_never_shrinks(declared: str, present: str | None, wanted: str) -> None:
    context = apps.with_spec(apps.full(), "database.managed.storage.size", declared)
    assert size(replace(context, claims={"database": present} if present else {}), "memo-database") == wanted


def test_the_claims_are_as_declared() -> None:
    assert claim(apps.full(), "memo-redis")["spec"] == {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "standard",
        "resources": {"requests": {"storage": "512Mi"}},
    }
    assert "storageClassName" not in claim(apps.backend_only(), "memo-database")["spec"]


@pytest.mark.parametrize("component", ["database", "redis"])
@pytest.mark.parametrize("kept", [True, False])
def test_a_claim_is_kept_by_the_policy_of_its_own_store(component: str, kept: bool) -> None:
    context = apps.with_spec(apps.full(), f"{component}.deletionPolicy", "Retain" if kept else "Delete")
    metadata = claim(context, f"memo-{component}")["metadata"]
    assert ("ownerReferences" in metadata) is not kept
    wanted = {"memoapp.dev/database": "notes", "memoapp.dev/user": "order"} if kept else None
    assert metadata.get("annotations") == wanted


@pytest.mark.parametrize("component", ["database", "redis"])
def test_one_replica_runs_on_the_claim_of_the_same_name(component: str) -> None:
    found = apps.find(apps.full(), "StatefulSet", f"memo-{component}")["spec"]
    (data,) = [each for each in found["template"]["spec"]["volumes"] if each["name"] == "data"]
    assert found["replicas"] == 1
    assert found["serviceName"] == f"memo-{component}"
    assert "volumeClaimTemplates" not in found
    assert data["persistentVolumeClaim"] == {"claimName": f"memo-{component}"}


def test_parameters_follow_the_operators_own_sorted() -> None:
    assert server(apps.full(), "memo-database")["args"] == [
        *("-c", "shared_preload_libraries=pg_stat_statements"),
        *("-c", "listen_addresses=*"),
        *("-c", "max_connections=50"),
        *("-c", "work_mem=8MB"),
    ]


def test_the_data_lies_where_every_major_of_the_image_takes_it() -> None:
    container = server(apps.full(), "memo-database")
    mounts = {mount["mountPath"] for mount in container["volumeMounts"]}
    values = {each["name"]: each["value"] for each in container["env"]}
    assert VOLUME_PATH in mounts
    assert not [path for path in mounts if path.startswith("/var/lib/postgresql")]
    assert values["PGDATA"] == DATA_PATH
    assert values["POSTGRES_PASSWORD_FILE"] == "/etc/memoapp/credentials/superuser-password"
    assert "--data-checksums" in values["POSTGRES_INITDB_ARGS"]


@pytest.mark.parametrize("name", ["memo-database", "memo-redis"])
def test_a_server_has_half_an_hour_to_recover_and_is_seen_within_a_second(name: str) -> None:
    probe = server(apps.full(), name)["startupProbe"]
    assert probe["periodSeconds"] == 1
    assert probe["periodSeconds"] * probe["failureThreshold"] >= 30 * 60


@pytest.mark.parametrize("name", ["memo-database", "memo-redis"])
def test_a_busy_server_is_not_restarted_within_minutes(name: str) -> None:
    probe = server(apps.full(), name)["livenessProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] >= 300


def test_the_agent_reads_the_volume_and_keeps_its_image() -> None:
    def agent(context: Context) -> Manifest:
        found: Manifest = apps.pods(context)["memo-database"]["containers"][1]
        return found

    found = agent(apps.full())
    assert found["image"] == apps.PLATFORM.operator_image
    assert found["command"] == [
        *("python3", "-m", "memoapp_operator.agent", "volume"),
        *("--path", VOLUME_PATH, "--port", "9188"),
    ]
    assert found["volumeMounts"] == [{"name": "data", "mountPath": VOLUME_PATH, "readOnly": True}]
    assert agent(replace(apps.full(), agent_image="docker.io/memoapp/operator:0.0.9"))["image"].endswith(":0.0.9")


def test_the_database_is_set_up_for_the_declared_names_quoted() -> None:
    text = script(apps.full(), "10-memoapp.sh")
    assert 'CREATE ROLE "order" LOGIN NOSUPERUSER' in text
    assert 'CREATE DATABASE "notes" OWNER "order" TEMPLATE template0 ENCODING \'UTF8\';' in text
    assert "GRANT pg_monitor TO memoapp_monitor;" in text
    assert text.count("CREATE EXTENSION pg_stat_statements;") == 2
    assert text.count("FROM PUBLIC;") == 4


def test_passwords_are_spoken_out_only_once_nothing_is_logged_or_counted() -> None:
    lines = script(apps.full(), "10-memoapp.sh").splitlines()
    spoken = min(index for index, line in enumerate(lines) if "PASSWORD :'" in line)
    silenced = [index for index, line in enumerate(lines) if line.startswith("SET ")]
    assert len(silenced) == 4
    assert max(silenced) < spoken


@pytest.mark.parametrize("key", ["10-memoapp.sh", "start.sh"])
def test_the_scripts_are_posix_shell(key: str) -> None:
    shell = shutil.which("dash") or "/bin/sh"
    checked = subprocess.run([shell, "-n"], input=script(apps.full(), key), text=True, capture_output=True, check=False)
    assert checked.returncode == 0, checked.stderr


class Volume:
    """A volume in a folder, and the image's entry point in place of PostgreSQL."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "volume"
        self.data = self.root / "pgdata"
        self.root.mkdir()
        self.bin = folder / "bin"
        self.bin.mkdir()

    def start(self) -> str:
        """Runs start.sh, with an entry point that prints its arguments."""
        return self._run("start.sh", ["-c", "port=1"], "docker-entrypoint.sh", 'echo "$@"')

    def set_up(self, psql: str = "cat >/dev/null") -> None:
        """Runs the first set-up, with a psql that does as told."""
        self._run("10-memoapp.sh", [], "psql", psql)

    def _run(self, key: str, arguments: list[str], command: str, does: str) -> str:
        stand_in = self.bin / command
        stand_in.write_text(f"#!/bin/sh\n{does}\n")
        stand_in.chmod(0o755)
        text = script(apps.full(), key).replace(VOLUME_PATH, str(self.root))
        environment = {"PATH": f"{self.bin}:/usr/bin:/bin", "PGDATA": str(self.data), "POSTGRES_USER": "postgres"}
        done = subprocess.run(
            ["/bin/sh", "-c", text, key, *arguments], env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def initdb(self) -> None:
        self.data.mkdir()
        (self.data / "PG_VERSION").write_text("17")

    @property
    def marker(self) -> Path:
        return self.root / "initialising"


@pytest.fixture
def volume(tmp_path: Path) -> Volume:
    return Volume(tmp_path)


def test_an_empty_volume_is_marked_and_the_arguments_are_handed_on(volume: Volume) -> None:
    assert volume.start() == "postgres -c port=1"
    assert volume.marker.exists()


def test_a_half_made_folder_is_put_aside_and_made_anew(volume: Volume) -> None:
    volume.start()
    volume.initdb()
    volume.start()
    assert not volume.data.exists()
    assert (volume.root / "pgdata.unfinished" / "PG_VERSION").exists()
    volume.initdb()
    volume.start()
    assert [path.name for path in (volume.root / "pgdata.unfinished").iterdir()] == ["PG_VERSION"]


def test_a_finished_folder_is_never_touched(volume: Volume) -> None:
    volume.start()
    volume.initdb()
    volume.set_up()
    volume.start()
    assert (volume.data / "PG_VERSION").exists()
    assert not volume.marker.exists()


def test_a_set_up_that_failed_leaves_the_mark(volume: Volume) -> None:
    volume.start()
    with pytest.raises(subprocess.CalledProcessError):
        volume.set_up("exit 3")
    assert volume.marker.exists()


def test_nothing_half_made_stays_once_the_set_up_is_through(volume: Volume) -> None:
    volume.start()
    volume.initdb()
    volume.start()
    volume.initdb()
    volume.set_up()
    assert [path.name for path in volume.root.iterdir()] == ["pgdata"]


def test_a_kept_volume_that_comes_from_elsewhere_is_never_touched(volume: Volume) -> None:
    volume.initdb()
    volume.start()
    assert (volume.data / "PG_VERSION").exists()
    assert not volume.marker.exists()


def test_redis_writes_every_change_to_its_volume_and_reads_its_password_from_a_file() -> None:
    lines = apps.find(apps.full(), "ConfigMap", "memo-redis")["data"]["redis.conf"].splitlines()
    assert {"appendonly yes", "dir /data", "protected-mode yes", "include /etc/memoapp/redis/auth.conf"} <= set(lines)
    assert not [line for line in lines if line.startswith("requirepass")]


@pytest.mark.parametrize(("limit", "wanted"), [({}, 192), ({"limits": {"memory": "1Gi"}}, 768)])
def test_redis_refuses_writes_before_it_is_killed_for_its_memory(limit: dict[str, object], wanted: int) -> None:
    context = apps.with_spec(apps.full(), "redis.managed.resources", limit)
    lines = apps.find(context, "ConfigMap", "memo-redis")["data"]["redis.conf"].splitlines()
    assert f"maxmemory {wanted * 1024 * 1024}" in lines


def test_redis_without_a_limit_has_none_of_its_own() -> None:
    context = apps.with_spec(apps.full(), "redis.managed.resources", {"requests": {"cpu": "1"}})
    assert "maxmemory " not in apps.find(context, "ConfigMap", "memo-redis")["data"]["redis.conf"]


def test_a_sidecars_trouble_does_not_take_the_databases_address_away() -> None:
    assert apps.find(apps.full(), "Service", "memo-database")["spec"]["publishNotReadyAddresses"] is True
