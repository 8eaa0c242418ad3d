"""This machine's package settings as build secrets."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from images.build.image_build.errors import BuildError
from images.build.image_build.host import apt_options, pip_conf, repositories, sources_list, write_secrets

DUMP = """\
APT "";
Acquire::http::Proxy "http://proxy.example:3128";
Acquire::https::CaInfo "/usr/local/share/company.pem";
Acquire::http::Proxy-Auto-Detect "/usr/bin/find-proxy";
Acquire::Retries "3";
Acquire::Check-Date "false";
Acquire::Languages "none";
Dir::Etc "etc/apt";
"""


class Machine:
    """Answers commands from a table; all others are not installed."""

    def __init__(self, **answers: str) -> None:
        self._answers = {name.replace("_", "-"): answer for name, answer in answers.items()}

    def __call__(self, command: Sequence[str], env: Mapping[str, str] | None = None) -> str:
        del env
        if command[0] not in self._answers:
            raise BuildError(f"{command[0]} is not installed")
        return self._answers[command[0]]


def test_apt_settings_are_taken_and_programs_of_the_machine_are_not() -> None:
    assert list(apt_options(DUMP, own_sources=False)) == [
        'Acquire::http::Proxy "http://proxy.example:3128";',
        'Acquire::https::CaInfo "/run/secrets/ca";',
        'Acquire::Retries "3";',
        'Acquire::Check-Date "false";',
    ]


def test_a_mirror_of_the_machine_replaces_debians_sources() -> None:
    options = list(apt_options("", own_sources=True))
    assert options == [
        'Dir::Etc::SourceList "/run/secrets/apt-sources";',
        'Dir::Etc::SourceParts "/dev/null";',
    ]


def test_mirrors_are_read_from_apt() -> None:
    machine = Machine(
        apt_get="Debian https://mirror.example/debian/\nDebian-Security https://mirror.example/sec/\nOther x\n\n"
    )
    found = repositories(machine)
    assert found == {"Debian": "https://mirror.example/debian/", "Debian-Security": "https://mirror.example/sec/"}
    assert sources_list(found).splitlines() == [
        "deb https://mirror.example/debian/ trixie main",
        "deb https://mirror.example/debian/ trixie-updates main",
        "deb https://mirror.example/sec/ trixie-security main",
    ]


def test_debians_own_mirrors_need_no_secret() -> None:
    vendor = "debian"
    assert sources_list({"Debian": f"http://deb.{vendor}.org/{vendor}/"}) == ""
    assert sources_list({}) == ""


def test_pip_settings_of_the_environment_win_over_files() -> None:
    listing = (
        ":env:.index-url='https://packages.example/simple'\n"
        ":env:.find-links='/opt/wheels'\n"
        "global.index-url='https://other.example/simple'\n"
        "global.extra-index-url='\\nhttps://a.example\\nhttps://b.example'\n"
        "global.cert='/etc/company.pem'\n"
    )
    assert pip_conf(listing, with_ca=True).splitlines() == [
        "[global]",
        "index-url = https://packages.example/simple",
        "extra-index-url = https://a.example https://b.example",
        "cert = /run/secrets/ca",
    ]


def test_secrets_are_readable_by_their_owner_alone_and_empty_ones_are_left_out(tmp_path: Path) -> None:
    authority = tmp_path / "authority.pem"
    authority.write_text("certificate\n")
    target = tmp_path / "secrets"
    target.mkdir()
    secrets = write_secrets(target, Machine(apt_config=DUMP), {"SSL_CERT_FILE": str(authority)})
    assert secrets.keys() == {"apt", "pip", "ca"}
    assert all(path.stat().st_mode & 0o077 == 0 for path in secrets.values())
    assert secrets["ca"].read_text() == "certificate\n"
