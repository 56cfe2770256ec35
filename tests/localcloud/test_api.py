"""What any product says to calls that it can't take, and what is written down about calls."""

from __future__ import annotations

import ast
import importlib
import json
import re
import stat
from pathlib import Path
from typing import Any

import pytest
from tencentcloud.cvm.v20170312 import cvm_client
from tencentcloud.cvm.v20170312 import models as cvm_models

import localcloud
from localcloud import wire
from localcloud.server import SERVICES, shortened
from localcloud.services.cvm.instances import STATE_CODES
from tests.cloud import Cloud
from tests.localcloud.refusals import refused

COMMON_CODES = {
    "AuthFailure.InvalidAuthorization",
    "AuthFailure.InvalidSecretId",
    "AuthFailure.SecretIdNotFound",
    "AuthFailure.SignatureExpire",
    "AuthFailure.SignatureFailure",
    "AuthFailure.TokenFailure",
    "DryRunOperation",
    "FailedOperation",
    "InternalError",
    "InvalidAction",
    "InvalidParameter",
    "InvalidParameterValue",
    "LimitExceeded",
    "MissingParameter",
    "NoSuchProduct",
    "NoSuchVersion",
    "RequestSizeLimitExceeded",
    "ResourceInUse",
    "ResourceInsufficient",
    "ResourceNotFound",
    "UnknownParameter",
    "UnsupportedOperation",
    "UnsupportedProtocol",
    "UnsupportedRegion",
}
"""The codes that every product can answer with (https://cloud.tencent.com/document/api/213/30435)."""
_CODE = re.compile(r"[A-Z][A-Za-z]+(\.[A-Za-z]+)?")
PACKAGE = Path(localcloud.__file__).parent


@pytest.mark.parametrize(
    ("product", "action", "parameters", "code"),
    [
        ("cvm", "DescribeInstancez", {}, "InvalidAction"),
        ("cvm", "SyncImages", {}, "UnsupportedOperation"),
        ("cvm", "DescribeInstances", {"Limits": 1}, "UnknownParameter"),
        ("cvm", "DescribeInstances", {"Filters": [{"Key": "zone"}]}, "UnknownParameter"),
        ("cvm", "DescribeInstances", {"Limit": "1"}, "InvalidParameter"),
        ("cvm", "DescribeInstances", {"Limit": True}, "InvalidParameter"),
        ("cvm", "DescribeInstances", {"InstanceIds": "ins-1"}, "InvalidParameter"),
        ("cvm", "DescribeInstances", {"InstanceIds": [1]}, "InvalidParameter"),
        ("cvm", "DescribeInstances", {"Filters": ["zone"]}, "InvalidParameter"),
        ("cvm", "DescribeInstances", {"Limit": 101}, "InvalidParameterValue"),
        ("cvm", "DescribeInstances", {"Limit": 0}, "InvalidParameterValue"),
        ("cvm", "DescribeInstances", {"Offset": -1}, "InvalidParameterValue"),
        ("cvm", "DescribeInstances", {"Filters": [{"Name": "shape", "Values": ["x"]}]}, "InvalidFilter"),
        ("vpc", "DescribeVpcs", {"Limit": 20}, "InvalidParameter"),
        ("vpc", "DescribeVpcs", {"Limit": "twenty"}, "InvalidParameterValue"),
        ("vpc", "CreateVpc", {"VpcName": "x"}, "MissingParameter"),
        ("tat", "RunCommand", {"Content": "bHM="}, "MissingParameter"),
        ("dnspod", "CreateRecord", {"Domain": "x.cn"}, "MissingParameter"),
    ],
)
def test_calls_that_cant_be_taken(
    cloud: Cloud, product: str, action: str, parameters: dict[str, Any], code: str
) -> None:
    assert refused(cloud, product, action, parameters) == code


def test_a_parameter_that_is_null_is_not_given(cloud: Cloud) -> None:
    response = cloud.call("cvm", "DescribeInstances", {"Limit": None, "InstanceIds": None})
    assert response["InstanceSet"] == []


def test_unknown_product_version_and_region(cloud: Cloud) -> None:
    nosuch = cloud.client("nosuch", version="2017-03-12")
    assert refused(cloud, "nosuch", "DescribeThings", client=nosuch) == "NoSuchProduct"
    old = cloud.client("cvm", version="2016-01-01")
    assert refused(cloud, "cvm", "DescribeZones", client=old) == "NoSuchVersion"
    assert refused(cloud, "cvm", "DescribeZones", region="ap-nowhere") == "UnsupportedRegion"
    assert refused(cloud, "cvm", "DescribeZones", region="") == "MissingParameter"
    assert refused(cloud, "lighthouse", "DescribeZones", region="ap-chongqing") == "UnsupportedRegion"


def test_a_request_that_is_too_large(cloud: Cloud) -> None:
    content = {"Content": "x" * 11_000_000, "InstanceIds": ["ins-1"]}
    assert refused(cloud, "tat", "RunCommand", content) == "RequestSizeLimitExceeded"


def test_the_sdks_own_classes_read_the_answers(cloud: Cloud) -> None:
    common = cloud.client("cvm")
    client = cvm_client.CvmClient(common.credential, "ap-shanghai", common.profile)
    zones = client.DescribeZones(cvm_models.DescribeZonesRequest()).ZoneSet
    assert "ap-shanghai-2" in {zone.Zone for zone in zones}


def test_regions_and_zones(cloud: Cloud) -> None:
    regions = cloud.call("lighthouse", "DescribeRegions")["RegionSet"]
    mainland = {one["Region"] for one in regions if one["IsChinaMainland"]}
    assert "ap-guangzhou" in mainland
    assert "ap-hongkong" in {one["Region"] for one in regions} - mainland
    for region in ("ap-guangzhou", "ap-beijing"):
        zones = cloud.call("cvm", "DescribeZones", region=region)["ZoneSet"]
        assert zones
        assert all(one["Zone"].startswith(f"{region}-") for one in zones)
        by_product = cloud.call("api", "DescribeZones", {"Product": "cvm"}, region=region)["ZoneSet"]
        assert [one["Zone"] for one in by_product] == [one["Zone"] for one in zones]


def test_pages(cloud: Cloud) -> None:
    everything = cloud.call("cvm", "DescribeImages", {"Limit": 100})["ImageSet"]
    assert len(everything) > 2
    pages = [
        cloud.call("cvm", "DescribeImages", {"Limit": 1, "Offset": offset}) for offset in range(len(everything) + 1)
    ]
    assert [image for one in pages for image in one["ImageSet"]] == everything
    assert {one["TotalCount"] for one in pages} == {len(everything)}


def test_images_by_name_platform_and_family(cloud: Cloud) -> None:
    filters = [{"Name": "platform", "Values": ["ubuntu"]}, {"Name": "image-type", "Values": ["PUBLIC_IMAGE"]}]
    ubuntu = cloud.call("cvm", "DescribeImages", {"Filters": filters})["ImageSet"]
    assert {one["Platform"] for one in ubuntu} == {"Ubuntu"}
    family = ubuntu[0]["ImageFamily"]
    assert cloud.call("cvm", "DescribeImageFromFamily", {"ImageFamily": family})["Image"] in ubuntu
    assert cloud.call("cvm", "DescribeImageFromFamily", {"ImageFamily": "none"})["Image"] is None


def test_the_audit_log_says_what_was_asked_but_no_secret(cloud: Cloud) -> None:
    before = cloud.calls()
    secret = "correct horse battery staple"
    refused(cloud, "tat", "RunCommand", {"Content": secret, "InstanceIds": ["ins-audit"]})
    refused(cloud, "ssl", "UploadCertificate", {"CertificatePublicKey": "x" * 500, "CertificatePrivateKey": secret})
    run, upload = list(cloud.audit())[before:]
    assert (run["service"], run["action"], run["region"]) == ("tat", "RunCommand", "ap-guangzhou")
    assert run["request"]["InstanceIds"] == ["ins-audit"]
    assert run["error"] == "InvalidParameterValue.CommandContentInvalid"
    assert upload["request"]["CertificatePublicKey"].endswith("... (500)")
    text = (cloud.home / "api.log").read_text("utf-8")
    assert secret not in text
    assert cloud.account.secret_key not in text
    assert all(isinstance(line["ms"], float) for line in (run, upload))


def test_secrets_are_shortened_wherever_they_are() -> None:
    parameters = {"LoginSettings": {"Password": "p"}, "UserData": "dXNlcg==", "Tags": [{"Key": "k", "Value": "v"}]}
    kept = json.dumps(shortened(parameters))
    assert "dXNlcg==" not in kept
    assert '"Password": "<1 characters>"' in kept
    assert '"Value": "v"' in kept


def test_the_key_is_readable_by_its_owner_only(cloud: Cloud) -> None:
    assert stat.S_IMODE((cloud.home / "account.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((cloud.home / "acme" / "directory.key").stat().st_mode) == 0o600
    assert cloud.account.secret_id.startswith("AKID")
    assert cloud.account.secret_key not in repr(cloud.account)


def _texts(node: ast.AST) -> set[str]:
    constants = {part.value for part in ast.walk(node) if isinstance(part, ast.Constant)}
    return {text for text in constants if isinstance(text, str) and _CODE.fullmatch(text)}


def _raised(path: Path) -> set[str]:
    """The codes that a module raises, as far as they are written out."""
    codes = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "CloudError":
            codes.update(_texts(node.args[0]))
        if isinstance(node, ast.keyword) and node.arg == "code":
            codes.update(_texts(node.value))
    return codes


def _sdk(product: str) -> str:
    """The SDK's module of a product's models; "" where the SDK lacks what is served, and localcloud describes it."""
    name = SERVICES[product].sdk.__name__
    return name if name.startswith("tencentcloud.") else ""


@pytest.mark.parametrize("product", SERVICES)
def test_every_code_is_one_of_the_products_own(product: str) -> None:
    errors = importlib.import_module(_sdk(product).replace("models", "errorcodes")) if _sdk(product) else None
    known = {value for value in vars(errors).values() if isinstance(value, str)} if errors else set()
    known |= COMMON_CODES
    file, package = PACKAGE / "services" / f"{product}.py", PACKAGE / "services" / product
    modules = list(package.glob("*.py")) if package.is_dir() else [file]
    assert set().union(*map(_raised, modules)) - known == set()
    if product == "cvm":
        assert set(STATE_CODES.values()) <= known


def test_every_request_and_response_class_can_be_read() -> None:
    for service in SERVICES.values():
        for action in service.actions:
            for suffix in ("Request", "Response"):
                model = getattr(service.sdk, action + suffix)
                properties = {name for name, value in vars(model).items() if isinstance(value, property)}
                assert set(wire.fields_of(model)) == (properties or set(vars(model())))


def test_no_field_can_be_invented() -> None:
    with pytest.raises(TypeError, match="has no field Shape"):
        wire.build(cvm_models.Instance, Shape="round")
    with pytest.raises(TypeError, match="CPU is int, not str"):
        wire.build(cvm_models.Instance, CPU="1")
    with pytest.raises(TypeError, match="has no field Colour"):
        wire.build(cvm_models.DescribeInstancesResponse, InstanceSet=[{"Placement": {"Colour": 1}}])
