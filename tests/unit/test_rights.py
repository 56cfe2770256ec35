"""The policies of the documentation, as Tencent Cloud's access management (CAM) reads them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from localcloud.server import SERVICES
from tests.project import REPOSITORY
from tests.rights import FULL, RENEWAL, Policy, needed

_POLICIES = [FULL, RENEWAL]
_ACTION = re.compile(r"name/cos:[A-Z]\w+|[a-z]+:[A-Z]\w+|finance:trade")


@pytest.mark.parametrize("path", _POLICIES, ids=lambda path: path.name)
def test_a_policy_has_the_shape_that_cam_takes(path: Path) -> None:
    document = Policy.of(path).document
    assert set(document) == {"version", "statement"}
    assert document["version"] == "2.0"
    for statement in document["statement"]:
        assert set(statement) == {"effect", "action", "resource"}
        assert statement["effect"] == "allow"
        assert all(_ACTION.fullmatch(action) for action in statement["action"])
        assert statement["resource"] == ["*"]


@pytest.mark.parametrize("path", _POLICIES, ids=lambda path: path.name)
def test_a_policy_names_each_action_once_and_none_by_a_pattern(path: Path) -> None:
    actions = Policy.of(path).actions
    assert sorted(actions) == sorted(set(actions))
    assert not [action for action in actions if "*" in action]


@pytest.mark.parametrize("path", _POLICIES, ids=lambda path: path.name)
def test_every_action_is_one_that_the_rehearsal_answers(path: Path) -> None:
    served = {
        name for product, service in SERVICES.items() for each in service.actions for name in needed(product, each)
    }
    others = {action for action in Policy.of(path).actions if not action.startswith("name/cos:")} - {"finance:trade"}
    assert others - served == set()


def test_the_page_says_what_each_service_is_needed_for() -> None:
    told = (REPOSITORY / "docs" / "security.md").read_text("utf-8")
    services = {action.partition(":")[0] for action in Policy.of(FULL).actions}
    assert [service for service in sorted(services) if f"`{service}:" not in told] == []


def test_renewing_needs_less() -> None:
    assert set(Policy.of(RENEWAL).actions) < set(Policy.of(FULL).actions)


@pytest.mark.parametrize(
    ("service", "action", "names"),
    [
        ("cvm", "RunInstances", ("cvm:RunInstances",)),
        ("cbs", "DescribeDisks", ("cvm:DescribeDisks",)),
        ("vpc", "ReleaseAddresses", ("vpc:ReleaseAddresses", "cvm:ReleaseAddresses")),
        ("vpc", "CreateVpc", ("vpc:CreateVpc",)),
        ("cos", "PUT Bucket lifecycle", ("name/cos:PutBucketLifecycle",)),
        ("cos", "HEAD Bucket", ("name/cos:HeadBucket",)),
        ("cos", "POST Object uploads", ("name/cos:InitiateMultipartUpload",)),
    ],
)
def test_what_a_call_needs(service: str, action: str, names: tuple[str, ...]) -> None:
    assert needed(service, action) == names
