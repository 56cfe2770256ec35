"""Tags (标签) of resources, whichever product they belong to: ids are unique across the cloud."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from localcloud.store import Kind, Store


class Tags:
    """The tags of every resource."""

    def __init__(self, store: Store) -> None:
        """Keep them in `store`."""
        self._store = store

    def of(self, resource: str) -> dict[str, str]:
        """Return a resource's tags by key."""
        document = self._store.get(Kind.TAGGED_RESOURCE, resource)
        return {} if document is None else dict(document["Tags"])

    def listed(self, resource: str) -> list[dict[str, str]]:
        """Return a resource's tags as the products list them: Key and Value."""
        return [{"Key": key, "Value": value} for key, value in self.of(resource).items()]

    def change(self, resource: str, put: Mapping[str, str], remove: Sequence[str] = ()) -> dict[str, str]:
        """Set the tags in `put`, remove the keys in `remove`, and return what is left."""
        tags = self.of(resource) | dict(put)
        tags = {key: value for key, value in tags.items() if key not in remove}
        if tags:
            self._store.put(Kind.TAGGED_RESOURCE, resource, {"ResourceId": resource, "Tags": tags})
        else:
            self.forget(resource)
        return tags

    def add(self, resource: str, tags: Sequence[Any] | None) -> None:
        """Set tags from a request's list of structures with Key and Value."""
        if tags:
            self.change(resource, {tag.Key: tag.Value or "" for tag in tags})

    def forget(self, resource: str) -> None:
        """Remove all tags of a resource that is gone."""
        self._store.delete(Kind.TAGGED_RESOURCE, resource)
