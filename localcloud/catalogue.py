"""What the cloud sells and where: regions, zones, images, instance types, bundles, blueprints.

All of it is data, in `data/`, each file with its sources.
"""

from __future__ import annotations

import tomllib
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


def _load(name: str) -> dict[str, Any]:
    return tomllib.loads((resources.files("localcloud") / "data" / name).read_text("utf-8"))


def _numeral(number: int) -> str:
    return "零一二三四五六七八九"[number] if number < 10 else str(number)
