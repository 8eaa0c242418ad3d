"""Creation of what may not be there twice."""

from __future__ import annotations

from memoapp_operator.domain.manifest import Manifest
from memoapp_operator.ports import Cluster, Conflict


async def once(cluster: Cluster, manifest: Manifest) -> bool:
    """Create it; False where there is one of that name, which is left as it is.

    Raises:
        Refused: the API server does not take it.
    """
    try:
        await cluster.create(manifest)
    except Conflict:
        return False
    return True
