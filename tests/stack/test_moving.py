"""A site that another server serves comes to one of luodi's, as docs/moving.md says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.cloud import Cloud
from tests.project import Project, Stack, fetch

_DOMAIN = "banjia.com.cn"
_OLD = "192.0.2.10"
_TEAM = "127.0.1.1/32"
_NUMBER = {"number": "沪ICP备2024000123号-1", "approved": "2024-05-20"}


def _configure(project: Project, filing: dict[str, Any]) -> Stack:
    return project.configure(
        "production",
        {
            "tencentcloud:region": "ap-shanghai",
            "luodi:site": {"domain": _DOMAIN, "title": "搬家公司", "allow": [_TEAM]},
            "luodi:server": {"kind": "cvm"},
            "luodi:certificate": {"authority": "letsencrypt"},
            "luodi:filing": {"subject": {"name": "搬家科技有限公司"}, **filing},
        },
    )


def _record(cloud: Cloud, name: str, kind: str, value: str) -> int:
    asked = {"Domain": _DOMAIN, "SubDomain": name, "RecordType": kind, "RecordLine": "默认", "Value": value}
    extra = {"MX": 10} if kind == "MX" else {}
    return int(cloud.call("dnspod", "CreateRecord", {**asked, **extra})["RecordId"])


def _records(cloud: Cloud) -> set[tuple[str, str, str]]:
    listed = cloud.call("dnspod", "DescribeRecordList", {"Domain": _DOMAIN})["RecordList"]
    return {(one["Name"], one["Type"], one["Value"]) for one in listed if one["Type"] in {"A", "MX", "TXT"}}


def test_a_site_is_tried_beside_the_old_one_and_then_led_over(cloud: Cloud, tmp_path: Path) -> None:
    cloud.call("dnspod", "CreateDomain", {"Domain": _DOMAIN})
    old = [_record(cloud, name, "A", _OLD) for name in ("@", "www")]
    _record(cloud, "@", "MX", "mx.example.com.")
    before = _records(cloud)
    project = Project(tmp_path / "site", cloud.environment())

    # Beside the old one: made, certified, seen by the team, and nothing of the zone changed.
    stack = _configure(project, {})
    assert f"{_DOMAIN} is not published" in stack.up(LC_ALL="C.UTF-8").output
    address = stack.outputs()["address"]
    page = fetch(address, cloud.https_port, f"www.{_DOMAIN}", cloud.roots)
    assert (page.status, "搬家公司" in page.body) == (200, True)
    assert _records(cloud) == before

    # The number is in: what is somebody else's is named, and left.
    stack = _configure(project, {"icp": _NUMBER})
    refused = stack.run("up")
    assert refused.code != 0
    assert "has a record already, which this stack did not make" in refused.output, str(refused)
    assert _records(cloud) == before

    # With the stack's remark both stand beside each other, until the old ones are deleted by hand.
    for record in old:
        remark = {"Domain": _DOMAIN, "RecordId": record, "Remark": "luodi luodi/production"}
        cloud.call("dnspod", "ModifyRecordRemark", remark)
    stack.up()
    new = {("@", "A", address), ("www", "A", address)}
    assert _records(cloud) == before | new
    for record in old:
        cloud.call("dnspod", "DeleteRecord", {"Domain": _DOMAIN, "RecordId": record})
    assert stack.up().changes == {}
    assert _records(cloud) == {("@", "MX", "mx.example.com."), *new}
    assert _NUMBER["number"] in fetch(address, cloud.https_port, _DOMAIN, cloud.roots).body

    # What the zone had besides outlives the stack.
    assert stack.run("destroy").code == 0
    assert _records(cloud) == {("@", "MX", "mx.example.com.")}
    cloud.call("dnspod", "DeleteDomain", {"Domain": _DOMAIN})
