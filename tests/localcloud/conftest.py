"""One cloud for the tests of a session; those that stop or fill it have one of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cloud import Cloud, running_cloud


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with running_cloud(tmp_path_factory.mktemp("cloud")) as cloud:
        yield cloud
