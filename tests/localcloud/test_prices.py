"""What orders would cost, asked by the official SDK."""

from __future__ import annotations

from typing import Any

import pytest
from tencentcloud.cvm.v20170312 import cvm_client
from tencentcloud.cvm.v20170312 import models as cvm
from tencentcloud.lighthouse.v20200324 import lighthouse_client
from tencentcloud.lighthouse.v20200324 import models as lighthouse_models

from localcloud.catalogue import Catalogue
from tests.cloud import REGION, Cloud
from tests.localcloud.orders import BUNDLE, ZONE, lighthouse, ubuntu
from tests.localcloud.refusals import refused

PREPAID = {"InstanceChargeType": "PREPAID", "InstanceChargePrepaid": {"Period": 3}}


def _order(cloud: Cloud, **more: Any) -> dict[str, Any]:
    return {
        "Placement": {"Zone": ZONE},
        "ImageId": ubuntu(cloud),
        "InstanceType": "S5.MEDIUM4",
        "SystemDisk": {"DiskType": "CLOUD_SSD", "DiskSize": 50},
        "InternetAccessible": {"InternetMaxBandwidthOut": 5, "PublicIpAssigned": True},
        **more,
    }


def _price(cloud: Cloud, **more: Any) -> dict[str, Any]:
    return dict(cloud.call("cvm", "InquiryPriceRunInstances", _order(cloud, **more))["Price"])


def test_what_is_paid_by_the_hour_is_priced_by_the_hour(cloud: Cloud) -> None:
    before = cloud.counts()
    price = _price(cloud)
    assert {one["ChargeUnit"] for one in price.values()} == {"HOUR"}
    assert price["InstancePrice"]["UnitPrice"] > price["BandwidthPrice"]["UnitPrice"] > 0
    assert price["InstancePrice"]["OriginalPrice"] is None
    twice = _price(cloud, InstanceCount=2)["InstancePrice"]["UnitPrice"]
    assert twice == pytest.approx(2 * price["InstancePrice"]["UnitPrice"], abs=1e-3)
    traffic = {"InternetMaxBandwidthOut": 100, "InternetChargeType": "TRAFFIC_POSTPAID_BY_HOUR"}
    assert _price(cloud, InternetAccessible=traffic)["BandwidthPrice"]["ChargeUnit"] == "GB"
    assert _price(cloud, InternetAccessible=None)["BandwidthPrice"]["UnitPrice"] == 0
    assert cloud.counts() == before


def test_what_is_prepaid_is_priced_for_all_months(cloud: Cloud) -> None:
    month, quarter, year = (
        _price(cloud, InstanceChargeType="PREPAID", InstanceChargePrepaid={"Period": months}) for months in (1, 3, 12)
    )
    for one in ("InstancePrice", "BandwidthPrice"):
        assert month[one]["DiscountPrice"] == month[one]["OriginalPrice"] > 0
        assert quarter[one]["OriginalPrice"] == pytest.approx(3 * month[one]["OriginalPrice"])
        assert year[one]["Discount"] < 100
        assert year[one]["DiscountPrice"] == pytest.approx(
            year[one]["OriginalPrice"] * year[one]["Discount"] / 100, abs=0.01
        )


@pytest.mark.parametrize(
    ("smaller", "larger"),
    [
        ({"InstanceType": "S5.MEDIUM4"}, {"InstanceType": "S5.LARGE8"}),
        ({"SystemDisk": {"DiskType": "CLOUD_PREMIUM", "DiskSize": 50}}, {}),
        ({}, {"SystemDisk": {"DiskType": "CLOUD_SSD", "DiskSize": 100}}),
        ({}, {"DataDisks": [{"DiskType": "CLOUD_SSD", "DiskSize": 100}]}),
    ],
)
def test_more_costs_more(cloud: Cloud, smaller: dict[str, Any], larger: dict[str, Any]) -> None:
    cheap, dear = (_price(cloud, **PREPAID, **one)["InstancePrice"]["OriginalPrice"] for one in (smaller, larger))
    assert cheap < dear


def test_an_elastic_address_is_priced_as_its_bandwidth_is(cloud: Cloud) -> None:
    def asked(kind: str, **more: Any) -> dict[str, Any]:
        order = {"InternetChargeType": kind, "InternetMaxBandwidthOut": 6, **more}
        return dict(cloud.call("vpc", "InquiryPriceAllocateAddresses", order)["Price"])

    prices = Catalogue().prices
    year = asked("BANDWIDTH_PREPAID_BY_MONTH", AddressChargePrepaid={"Period": 12})
    assert year["OriginalPrice"] == pytest.approx(12 * prices.bandwidth_month(6))
    assert year["DiscountPrice"] == pytest.approx(year["OriginalPrice"] * prices.discount(12) / 100)
    assert year["AddressPrice"]["DiscountPrice"] == year["DiscountPrice"]
    hour = asked("BANDWIDTH_POSTPAID_BY_HOUR")["AddressPrice"]
    assert hour["UnitPrice"] == hour["DiscountPrice"] == round(prices.hourly(prices.bandwidth_month(6)), 4)
    assert asked("TRAFFIC_POSTPAID_BY_HOUR")["AddressPrice"]["UnitPrice"] == prices.gigabyte


def test_every_type_has_a_price(cloud: Cloud) -> None:
    catalogue = Catalogue()
    for machine in catalogue.instance_types.values():
        assert 0.05 < catalogue.prices.instance_hour(machine) < 10


def test_lighthouse_is_priced_as_its_bundle_is(cloud: Cloud) -> None:
    bundle = cloud.call("lighthouse", "DescribeBundles", {"BundleIds": [BUNDLE]})["BundleSet"][0]
    month = bundle["Price"]["InstancePrice"]["OriginalPrice"]
    order = {"BundleId": BUNDLE, "InstanceChargePrepaid": {"Period": 12}, "InstanceCount": 2}
    price = cloud.call("lighthouse", "InquirePriceCreateInstances", order)["Price"]["InstancePrice"]
    assert (price["OriginalBundlePrice"], price["OriginalPrice"]) == (month, month * 24)
    assert (price["DiscountPrice"], price["Currency"]) == (month * 24 * price["Discount"] / 100, "CNY")
    with lighthouse(cloud) as instance:
        renewal = {"InstanceIds": [instance], "InstanceChargePrepaid": {"Period": 3}}
        answer = cloud.call("lighthouse", "InquirePriceRenewInstances", renewal)
    assert answer["TotalPrice"]["OriginalPrice"] == answer["Price"]["InstancePrice"]["OriginalPrice"] == month * 3


def test_the_sdks_own_classes_read_the_prices(cloud: Cloud) -> None:
    common = cloud.client("cvm")
    asked = cvm.InquiryPriceRunInstancesRequest()
    asked._deserialize(_order(cloud))
    answer = cvm_client.CvmClient(common.credential, REGION, common.profile).InquiryPriceRunInstances(asked)
    assert answer.Price.InstancePrice.UnitPrice > 0
    order = lighthouse_models.InquirePriceCreateInstancesRequest()
    order._deserialize({"BundleId": BUNDLE, "InstanceChargePrepaid": {"Period": 1}})
    client = lighthouse_client.LighthouseClient(common.credential, REGION, common.profile)
    assert client.InquirePriceCreateInstances(order).Price.InstancePrice.DiscountPrice > 0


@pytest.mark.parametrize(
    ("product", "action", "change", "code"),
    [
        ("cvm", "InquiryPriceRunInstances", {"InstanceType": "S5.HUGE"}, "InvalidParameterValue.InstanceTypeNotFound"),
        ("cvm", "InquiryPriceRunInstances", {"InstanceCount": 0}, "InvalidParameterValue.Range"),
        (
            "cvm",
            "InquiryPriceRunInstances",
            {"SystemDisk": {"DiskType": "FLOPPY", "DiskSize": 50}},
            "InvalidParameterValue",
        ),
        (
            "cvm",
            "InquiryPriceRunInstances",
            {"InstanceChargeType": "PREPAID", "InstanceChargePrepaid": {"Period": 13}},
            "InvalidPeriod",
        ),
        ("lighthouse", "InquirePriceCreateInstances", {"BundleId": "none"}, "InvalidParameter.BundleIdNotFound"),
        (
            "vpc",
            "InquiryPriceAllocateAddresses",
            {"InternetChargeType": "BANDWIDTH_PREPAID_BY_MONTH"},
            "MissingParameter",
        ),
        ("vpc", "InquiryPriceAllocateAddresses", {"InternetChargeType": "FLAT"}, "InvalidParameterValue"),
    ],
)
def test_prices_of_what_isnt_sold(cloud: Cloud, product: str, action: str, change: dict[str, Any], code: str) -> None:
    bases = {"cvm": _order(cloud), "lighthouse": {"BundleId": BUNDLE, "InstanceChargePrepaid": {"Period": 1}}}
    base = bases.get(product, {})
    assert refused(cloud, product, action, {**base, **change}) == code
