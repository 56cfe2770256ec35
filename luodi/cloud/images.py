"""Which image (镜像) a CVM instance is made from."""

from __future__ import annotations

from collections.abc import Iterable


def newest(images: Iterable[tuple[str, str]], family: str) -> str:
    """The id of the newest of the images, each told as when it was made (ISO 8601) and its id.

    `family` is what ``luodi:server.image`` asked for. Raises LookupError when there is none.
    """
    found = max(images, default=None)
    if found is None:
        raise LookupError(
            f"luodi:server.image: no public image's operating system is called {family!r} in this region; "
            "see the console's image list (镜像 > 公共镜像)"
        )
    return str(found[1])
