"""Installs the Debian packages that a build needs and this machine lacks."""

import shutil
from collections.abc import Mapping

from .errors import BuildError
from .run import Runner, step


def install_missing(run: Runner, programs: Mapping[str, str]) -> None:
    """Install the package of every program (program -> package) that is not on the path.

    Raises:
        BuildError: the machine is not a Debian, or the packages cannot be installed.
    """
    missing = [package for program, package in programs.items() if shutil.which(program) is None]
    if not missing:
        return
    if shutil.which("apt-get") is None:
        raise BuildError(f"needs Docker, or {' and '.join(missing)} (no apt-get here to install them)")
    with step(f"apt-get install {' '.join(missing)}"):
        run(["apt-get", "-q", "update"])
        run(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qy", "install", "--no-install-recommends", *missing])
