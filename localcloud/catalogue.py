"""What the cloud sells, where and for how much: regions, zones, images, instance types, bundles, blueprints.

All of it is data, in `data/`, each file with its sources.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from typing import Any


@dataclass(frozen=True)
class Zone:
    """An availability zone (可用区)."""

    zone: str
    zone_name: str
    zone_id: str


@dataclass(frozen=True)
class Region:
    """A region (地域); `lighthouse` says whether Lighthouse is sold there."""

    region: str
    region_name: str
    mainland: bool
    lighthouse: bool
    zones: tuple[Zone, ...]


@dataclass(frozen=True)
class Image:
    """A public CVM image (公共镜像), the same in every region."""

    image_id: str
    image_name: str
    os_name: str
    family: str
    platform: str
    size: int
    created: str


@dataclass(frozen=True)
class InstanceType:
    """A CVM instance type (实例规格): cores and GiB of memory."""

    instance_type: str
    family: str
    cpu: int
    memory: int


@dataclass(frozen=True)
class Bundle:
    """A Lighthouse bundle (套餐): the machine's size, by its field names in the API."""

    bundle_id: str
    values: dict[str, Any] = field(hash=False)


@dataclass(frozen=True)
class Blueprint:
    """A Lighthouse image (镜像), by its field names in the API."""

    blueprint_id: str
    values: dict[str, Any] = field(hash=False)


@dataclass(frozen=True)
class AlarmNamespace:
    """What alarms can be set on (告警策略类型): `product` has the instances, `dimension` names one of them.

    `metrics` has description, unit and largest value by name; `events` the description by name.
    """

    identifier: str
    name: str
    product: str
    dimension: str
    metrics: dict[str, tuple[str, str, float]] = field(hash=False)
    events: dict[str, str] = field(hash=False)


@dataclass(frozen=True)
class Prices:
    """What things cost in this rehearsal, in CNY, by the month or the hour: see `data/prices.toml`."""

    hours_per_month: int
    families: Mapping[str, tuple[float, float]]
    """By family: an hour of a core, an hour of a GiB."""
    disks: Mapping[str, float]
    bandwidth: tuple[float, float]
    gigabyte: float
    discounts: tuple[tuple[int, float], ...]
    """From how many months on, how many of a hundred are paid; the longest first."""

    def discount(self, months: int) -> float:
        """Return how many of a hundred are paid when so many months are prepaid at once."""
        return next((percent for least, percent in self.discounts if months >= least), 100.0)

    def instance_hour(self, machine: InstanceType) -> float:
        """Return the price of a machine by the hour, without its disks."""
        core, memory = self.families[machine.family]
        return machine.cpu * core + machine.memory * memory

    def disk_month(self, disk_type: str, size: int) -> float:
        """Return the price of a disk of `size` GB by the month; raise KeyError for a type that isn't sold."""
        return self.disks[disk_type] * size

    def bandwidth_month(self, mbps: int) -> float:
        """Return the price of a bandwidth by the month."""
        first, further = self.bandwidth
        return min(mbps, 5) * first + max(mbps - 5, 0) * further

    def hourly(self, month: float) -> float:
        """Return what an hour costs of something that costs so much by the month."""
        return month / self.hours_per_month


class Catalogue:
    """The data files, read when first asked for."""

    @cached_property
    def regions(self) -> dict[str, Region]:
        """Regions by name."""
        return {
            entry["region"]: Region(
                entry["region"],
                entry["name"],
                entry["mainland"],
                entry["lighthouse"],
                tuple(
                    Zone(f"{entry['region']}-{number}", f"{entry['city']}{_numeral(number)}区", code)
                    for number, code in zip(entry["zones"], entry["zone_ids"], strict=True)
                ),
            )
            for entry in _load("regions.toml")["region"]
        }

    @cached_property
    def images(self) -> dict[str, Image]:
        """Public CVM images by id."""
        return {entry["image_id"]: Image(**entry) for entry in _load("images.toml")["image"]}

    @cached_property
    def instance_types(self) -> dict[str, InstanceType]:
        """CVM instance types by name."""
        types = {}
        for family in _load("instance_types.toml")["family"]:
            for size, cpu, memory in family["sizes"]:
                name = f"{family['name']}.{size}"
                types[name] = InstanceType(name, family["name"], cpu, memory)
        return types

    @cached_property
    def bundles(self) -> dict[str, Bundle]:
        """Lighthouse bundles by id."""
        return {entry["BundleId"]: Bundle(entry["BundleId"], entry) for entry in _load("bundles.toml")["bundle"]}

    @cached_property
    def blueprints(self) -> dict[str, Blueprint]:
        """Lighthouse images by id."""
        return {
            entry["BlueprintId"]: Blueprint(entry["BlueprintId"], entry)
            for entry in _load("blueprints.toml")["blueprint"]
        }

    @cached_property
    def alarm_namespaces(self) -> dict[str, AlarmNamespace]:
        """What alarms can be set on, by id."""
        return {
            entry["id"]: AlarmNamespace(
                entry["id"],
                entry["name"],
                entry["product"],
                entry["dimension"],
                {name: (description, unit, float(most)) for name, description, unit, most in entry["metrics"]},
                dict(entry["events"]),
            )
            for entry in _load("alarms.toml")["namespace"]
        }

    @cached_property
    def alarm_regions(self) -> dict[str, str]:
        """Regions by the names that alarms have for them: gz."""
        return {short: region for region, short in _load("alarms.toml")["regions"].items()}

    @cached_property
    def prices(self) -> Prices:
        """What things cost."""
        data = _load("prices.toml")
        return Prices(
            hours_per_month=data["hours_per_month"],
            families={one["name"]: (one["core"], one["memory"]) for one in data["family"]},
            disks=data["disk"],
            bandwidth=(data["bandwidth"]["first"], data["bandwidth"]["further"]),
            gigabyte=data["traffic"]["gigabyte"],
            discounts=tuple(sorted(((one["months"], one["percent"]) for one in data["discount"]), reverse=True)),
        )

    @cached_property
    def quotas(self) -> dict[str, int]:
        """How many instances the account may have."""
        return dict(_load("quotas.toml"))


def _load(name: str) -> dict[str, Any]:
    return tomllib.loads((resources.files("localcloud") / "data" / name).read_text("utf-8"))


def _numeral(number: int) -> str:
    return "零一二三四五六七八九"[number] if number < 10 else str(number)
