"""How this machine reaches its package mirrors, as build secrets.

Dockerfiles mount the secrets `apt`, `apt-sources`, `pip` and `ca` where they install packages. So a build behind a
proxy, a mirror or a private certificate authority works, and neither a layer nor the repository knows of it.
"""

import ast
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from .errors import BuildError
from .run import Runner

SUITE = "trixie"
_SECRETS = "/run/secrets"
_SYSTEM_CA = "/etc/ssl/certs/ca-certificates.crt"
_PIP_OPTIONS = ("index-url", "extra-index-url", "trusted-host", "proxy", "retries", "timeout", "default-timeout")
_PUBLIC_MIRROR = re.compile(r"^https?://((deb|security)\.debian\.org|snapshot\.debian\.org)/")
_ACQUIRE = re.compile(r'^(Acquire::(?:https?::[^ ]+|Retries|Check-[^ ]+|ForceIPv[46])) "(.+)";$')


def write_secrets(folder: Path, run: Runner, environment: Mapping[str, str]) -> dict[str, Path]:
    """Write this machine's settings below `folder`; give secret id -> file, without the empty ones."""
    authority = _authority(environment)
    sources = sources_list(repositories(run))
    contents = {
        "apt": "\n".join(apt_options(_output(run, ["apt-config", "dump"]), own_sources=bool(sources))),
        "apt-sources": sources,
        "pip": pip_conf(_output(run, ["python3", "-m", "pip", "config", "list"]), with_ca=authority is not None),
        "ca": authority.read_text() if authority else "",
    }
    secrets = {}
    for name, content in contents.items():
        if content:
            secrets[name] = folder / name
            secrets[name].touch(mode=0o600)
            secrets[name].write_text(content)
    return secrets


def acquire_options(dump: str) -> list[tuple[str, str]]:
    """Proxy, certificate and retry settings out of `apt-config dump`; programs of this machine are left out."""
    found = (_ACQUIRE.match(line) for line in dump.splitlines())
    pairs = [(match[1], match[2]) for match in found if match]
    return [(name, value) for name, value in pairs if "Auto" not in name]


def apt_options(dump: str, *, own_sources: bool) -> Iterable[str]:
    """The apt.conf of a build: this machine's settings, with paths as they are inside the build."""
    for name, value in acquire_options(dump):
        yield f'{name} "{f"{_SECRETS}/ca" if name.endswith("::CaInfo") else value}";'
    if own_sources:
        yield f'Dir::Etc::SourceList "{_SECRETS}/apt-sources";'
        yield 'Dir::Etc::SourceParts "/dev/null";'


def repositories(run: Runner) -> dict[str, str]:
    """Label (Debian, Debian-Security) -> address, of the Debian mirrors that this machine uses."""
    command = ["apt-get", "indextargets", "--format", "$(LABEL) $(REPO_URI)", "Created-By: Packages"]
    rows = (line.split() for line in _output(run, command).splitlines())
    return {row[0]: row[1] for row in rows if len(row) == 2 and row[0] in ("Debian", "Debian-Security")}  # noqa: PLR2004


def sources_list(found: Mapping[str, str]) -> str:
    """A sources.list of the machine's mirrors; empty where they are Debian's own, which a build knows anyway."""
    if all(_PUBLIC_MIRROR.match(address) for address in found.values()):
        return ""
    lines = []
    if "Debian" in found:
        lines = [f"deb {found['Debian']} {suite} main" for suite in (SUITE, f"{SUITE}-updates")]
    if "Debian-Security" in found:
        lines.append(f"deb {found['Debian-Security']} {SUITE}-security main")
    return "\n".join(lines) + "\n"


def pip_conf(listing: str, *, with_ca: bool) -> str:
    """A pip.conf out of `pip config list`; variables of the environment come first there and win."""
    options: dict[str, str] = {}
    for line in listing.splitlines():
        name, _, value = line.partition("=")
        option = name.rpartition(".")[2]
        if option in _PIP_OPTIONS:
            # pip prints a list of values with line breaks inside; one line in the file serves as well.
            options.setdefault(option.replace("default-timeout", "timeout"), " ".join(_text(value).split()))
    if with_ca:
        options["cert"] = f"{_SECRETS}/ca"
    return "\n".join(["[global]", *(f"{name} = {value}" for name, value in options.items()), ""]) if options else ""


def _text(literal: str) -> str:
    value = ast.literal_eval(literal)
    return value if isinstance(value, str) else str(value)


def _authority(environment: Mapping[str, str]) -> Path | None:
    """The certificates that this machine trusts."""
    for name in (environment.get("PIP_CERT"), environment.get("SSL_CERT_FILE"), _SYSTEM_CA):
        if name and Path(name).is_file():
            return Path(name)
    return None


def _output(run: Runner, command: list[str]) -> str:
    """What a program says, or nothing where this machine has no such program."""
    try:
        return run(command)
    except BuildError:
        return ""
