"""The base image where no registry answers: Debian's minimal system, slimmed as the public `-slim` image is."""

from pathlib import Path

from .host import SUITE, acquire_options, repositories, sources_list
from .run import Runner

# The public slim image leaves these out too; licences stay.
_EXCLUDED = (
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/groff/*",
    "path-exclude=/usr/share/info/*",
    "path-exclude=/usr/share/lintian/*",
    "path-exclude=/usr/share/linda/*",
    "path-exclude=/usr/share/locale/*",
)
# What this machine gave for the time of the build does not stay.
_FORGET = 'rm -f "$1/etc/resolv.conf" "$1/etc/hostname" "$1/etc/apt/apt.conf.d/99mmdebstrap"'
# Debian's own archive: what the public image names too. The build itself uses what this machine is set up for.
_VENDOR = "debian"
_ARCHIVE = f"deb.{_VENDOR}.org"
_SOURCES = "\n".join(
    (
        f"deb http://{_ARCHIVE}/{_VENDOR} {SUITE} main",
        f"deb http://{_ARCHIVE}/{_VENDOR} {SUITE}-updates main",
        f"deb http://{_ARCHIVE}/{_VENDOR}-security {SUITE}-security main",
    )
)
_SET_SOURCES = f"printf '%s\\n' '{_SOURCES}' > \"$1/etc/apt/sources.list\""

RECIPE = "\n".join((SUITE, "minbase", *_EXCLUDED, _FORGET, _SET_SOURCES))


def make_base(run: Runner, tarball: Path) -> None:
    """Write the root file system of the base image to `tarball`."""
    command = ["mmdebstrap", "--quiet", "--variant=minbase"]
    command += [f"--dpkgopt={option}" for option in _EXCLUDED]
    command += [f'--aptopt={name} "{value}"' for name, value in acquire_options(run(["apt-config", "dump"]))]
    command += [f"--customize-hook={_FORGET}", f"--customize-hook={_SET_SOURCES}"]
    mirrors = sources_list(repositories(run)) or _SOURCES
    run([*command, SUITE, str(tarball), *mirrors.strip().splitlines()])
