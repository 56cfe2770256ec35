"""Who is told when the server runs short of something: an alarm policy of Tencent Cloud's monitor (告警策略)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal

import pulumi
import tencentcloud_iac_pulumi as tencentcloud

from luodi.settings.server import AlarmSettings


@dataclass(frozen=True)
class _Watched:
    """What the monitor calls a kind of server, and its disk."""

    namespace: str
    dimension: str
    disk: str


_WATCHED = {
    "cvm": _Watched("cvm_device", "unInstanceId", "CvmDiskUsage"),
    "lighthouse": _Watched("LIGHTHOUSE", "InstanceId", "DiskUsage"),
}
"""https://cloud.tencent.com/document/product/248/50397, .../248/6843 and .../248/60127"""


def alarms(
    name: str,
    settings: AlarmSettings,
    *,
    kind: Literal["cvm", "lighthouse"],
    instance: pulumi.Input[str],
    label: str,
    opts: pulumi.ResourceOptions,
) -> None:
    """An alarm policy for the server: each goes off after five minutes above its threshold, and again each day.

    `label` tells stacks apart in the console.
    """
    watched = _WATCHED[kind]
    thresholds = {"CpuUsage": settings.cpu, "MemUsage": settings.memory, watched.disk: settings.disk}
    policy = tencentcloud.monitor.AlarmPolicy(
        name,
        policy_name=f"luodi-{label}"[:60],
        monitor_type="MT_QCE",
        namespace=watched.namespace,
        conditions={
            "is_union_rule": 0,  # any of them
            "rules": [
                {
                    "metric_name": metric,
                    "period": 60,
                    "continue_period": 5,
                    "operator": "ge",
                    "value": str(threshold),
                    "notice_frequency": 86_400,
                }
                for metric, threshold in thresholds.items()
            ],
        },
        notice_ids=list(settings.notices),
        opts=opts,
    )
    tencentcloud.monitor.PolicyBindingObject(
        f"{name}-watched",
        policy_id=policy.id,
        dimensions=[
            {
                "dimensions_json": pulumi.Output.from_input(instance).apply(
                    lambda id_: json.dumps({watched.dimension: id_})
                )
            }
        ],
        opts=opts,
    )
