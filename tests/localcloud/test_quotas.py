"""How many instances the account may have, and that no more are sold."""

from __future__ import annotations

from typing import Any

from localcloud.catalogue import Catalogue
from tests.cloud import Cloud
from tests.localcloud.orders import BUNDLE, ZONE, cvm, lighthouse, ubuntu
from tests.localcloud.refusals import refused

MOST = Catalogue().quotas
PAID = "PostPaidQuotaSet"


def _zone(cloud: Cloud) -> dict[str, Any]:
    filters = [{"Name": "zone", "Values": [ZONE]}, {"Name": "quota-type", "Values": [PAID]}]
    overview = cloud.call("cvm", "DescribeAccountQuota", {"Filters": filters})["AccountQuotaOverview"]
    assert [name for name, quotas in overview["AccountQuota"].items() if quotas] == [PAID]
    [quota] = overview["AccountQuota"][PAID]
    return dict(quota)


def _bundles(cloud: Cloud) -> int:
    asked = {"ResourceNames": ["GENERAL_BUNDLE_INSTANCE"]}
    [quota] = cloud.call("lighthouse", "DescribeGeneralResourceQuotas", asked)["GeneralResourceQuotaSet"]
    assert quota["ResourceQuotaTotal"] == MOST["bundle"]
    return int(quota["ResourceQuotaAvailable"])


def test_a_zone_sells_no_more_than_is_left(cloud: Cloud) -> None:
    before = _zone(cloud)["UsedQuota"]
    with cvm(cloud):
        quota = _zone(cloud)
        assert (quota["UsedQuota"], quota["TotalQuota"]) == (before + 1, MOST["zone"])
        assert quota["RemainingQuota"] == MOST["zone"] - quota["UsedQuota"]
        order = {"Placement": {"Zone": ZONE}, "ImageId": ubuntu(cloud), "InstanceType": "S5.MEDIUM4", "DryRun": True}
        assert refused(cloud, "cvm", "RunInstances", {**order, "InstanceCount": 100}) == "LimitExceeded.InstanceQuota"
        few = {**order, "InstanceCount": quota["RemainingQuota"]}
        assert refused(cloud, "cvm", "RunInstances", few) == "DryRunOperation"
    assert _zone(cloud)["UsedQuota"] == before


def test_a_kind_of_bundle_is_sold_no_more_than_is_left(cloud: Cloud) -> None:
    before = _bundles(cloud)
    with lighthouse(cloud):
        assert _bundles(cloud) == before - 1
        blueprint = cloud.call("lighthouse", "DescribeBlueprints")["BlueprintSet"][0]["BlueprintId"]
        order = {
            "BundleId": BUNDLE,
            "BlueprintId": blueprint,
            "InstanceChargePrepaid": {"Period": 1},
            "InstanceCount": 21,
            "DryRun": True,
        }
        assert refused(cloud, "lighthouse", "CreateInstances", order) == "LimitExceeded.InstanceQuotaLimitExceeded"
    assert _bundles(cloud) == before


def test_what_is_not_counted_is_refused(cloud: Cloud) -> None:
    asked = {"ResourceNames": ["MOON_BUNDLE_INSTANCE"]}
    code = "InvalidParameterValue.InvalidResourceQuotaResourceName"
    assert refused(cloud, "lighthouse", "DescribeGeneralResourceQuotas", asked) == code
    wrong = {"Filters": [{"Name": "colour", "Values": ["red"]}]}
    assert refused(cloud, "cvm", "DescribeAccountQuota", wrong) == "InvalidFilter"
