"""What a server costs: what is asked, what is read from the answers, how it is told, and `luodi price`."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from click.testing import CliRunner, Result
from rich.console import Console

from luodi.api import Account, ApiError, NoCredentials, Unreachable
from luodi.cli import main
from luodi.price import Hourly, Item, NotPriced, Prepaid, Price, monthly, preview, questions, view
from luodi.price.amounts import Step
from luodi.price.telling import line, money, remarks
from luodi.settings import CvmSettings, Settings
from tests.unit import test_components as components
from tests.unit.declaration import declare
from tests.unit.fake_account import Answer, FakeAccount, refused

LIGHTHOUSE: Mapping[str, Any] = {"kind": "lighthouse", "bundle": "bundle_starter_mc_promo_med2_01"}
BANDWIDTH = {"charge-type": "BANDWIDTH_PREPAID", "mbps": 10}
BY_HOUR = {"charge-type": "BANDWIDTH_POSTPAID_BY_HOUR"}
IMAGES = {
    "TotalCount": 3,
    "ImageSet": [
        {"ImageId": "img-old", "OsName": "Ubuntu Server 24.04 LTS 64位", "CreatedTime": "2024-05-01T00:00:00Z"},
        {"ImageId": "img-new", "OsName": "ubuntu server 24.04 LTS 64位", "CreatedTime": "2026-05-01T00:00:00Z"},
        {"ImageId": "img-other", "OsName": "Debian 12", "CreatedTime": "2026-06-01T00:00:00Z"},
    ],
}
PREPAID = {"OriginalPrice": 1480.0, "DiscountPrice": 1234, "Discount": 83.4, "UnitPrice": None}
HOUR = {"UnitPrice": 0.5, "UnitPriceDiscount": 0.4, "ChargeUnit": "HOUR", "OriginalPrice": None}
GIGABYTE = {"UnitPrice": 0.8, "UnitPriceDiscount": 0.72, "ChargeUnit": "GB"}


def settings(server: Mapping[str, Any], **sections: Any) -> Settings:
    return Settings.parse(config(server, **sections))


def config(server: Mapping[str, Any], **sections: Any) -> dict[str, Any]:
    return {
        "tencentcloud:region": "ap-guangzhou",
        # Under the filing of another server, so that every way to pay may be tried.
        "luodi:site": {"domain": "staging.example.cn", "title": "示例"},
        "luodi:filing": {"icp": {"number": "粤ICP备2026068982号-1", "approved": "2026-01-02"}},
        "luodi:server": dict(server),
        **{f"luodi:{section}": value for section, value in sections.items()},
    }


def cloud(**answers: Mapping[str, Any] | Answer) -> FakeAccount:
    """An account whose answers are these; of images there are three."""
    every: dict[str, Mapping[str, Any] | Answer] = {"DescribeImages": IMAGES, **answers}
    return FakeAccount(answers={name: one if callable(one) else _always(one) for name, one in every.items()})


def _always(answer: Mapping[str, Any]) -> Answer:
    return lambda _: dict(answer)


def cvm(instance: Mapping[str, Any], bandwidth: Mapping[str, Any] = GIGABYTE, **answers: Any) -> FakeAccount:
    price = {"Price": {"InstancePrice": instance, "BandwidthPrice": bandwidth}}
    return cloud(InquiryPriceRunInstances=price, **answers)


def lighthouse(**price: Any) -> FakeAccount:
    return cloud(InquirePriceCreateInstances={"Price": {"InstancePrice": {**PREPAID, "Currency": "CNY", **price}}})


# --- what is asked is what is declared ---------------------------------------------------------------


@pytest.fixture
def mocked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cloud that the components are declared in."""
    monkeypatch.setenv("TENCENTCLOUD_SECRET_ID", "AKIDexample")
    monkeypatch.setenv("TENCENTCLOUD_SECRET_KEY", "secret")
    monkeypatch.setattr(Account, "call", components.api)


@pytest.mark.parametrize(
    "server",
    [
        {"kind": "cvm"},
        {"kind": "cvm", "period": 36, "bandwidth": BANDWIDTH, "renew-flag": "DISABLE_NOTIFY_AND_MANUAL_RENEW"},
        {"kind": "cvm", "charge-type": "POSTPAID_BY_HOUR", "bandwidth": BY_HOUR, "zone": "ap-guangzhou-3"},
        {"kind": "cvm", "elastic-ip": True, "instance-type": "SA5.LARGE8", "disk": {"type": "CLOUD_SSD", "size": 100}},
        {"kind": "cvm", "elastic-ip": True, "period": 6, "bandwidth": BANDWIDTH},
        {"kind": "cvm", "elastic-ip": True, "bandwidth": {**BY_HOUR, "mbps": 20}},
    ],
)
def test_a_cvm_is_asked_for_as_it_is_declared(server: Mapping[str, Any], mocked: None) -> None:
    declared, stack = components.landed(server, site={"domain": "staging.example.cn"}), settings(server)
    assert isinstance(stack.server, CvmSettings)
    inputs = components.instance(declared).inputs
    asked = questions.of_cvm(stack.server, stack.availability_zone, "img-new").parameters
    internet = asked.get("InternetAccessible", {"PublicIpAssigned": False})
    prepaid = asked.get("InstanceChargePrepaid", {})
    told = {
        "availabilityZone": asked["Placement"]["Zone"],
        "imageId": asked["ImageId"],
        "instanceType": asked["InstanceType"],
        "instanceChargeType": asked["InstanceChargeType"],
        "instanceChargeTypePrepaidPeriod": prepaid.get("Period"),
        "instanceChargeTypePrepaidRenewFlag": prepaid.get("RenewFlag"),
        "systemDiskType": asked["SystemDisk"]["DiskType"],
        "systemDiskSize": asked["SystemDisk"]["DiskSize"],
        "allocatePublicIp": internet["PublicIpAssigned"],
        "internetChargeType": internet.get("InternetChargeType"),
        "internetMaxBandwidthOut": internet.get("InternetMaxBandwidthOut"),
    }
    assert {name: inputs.get(name) for name in told} == told
    # Whatever else is declared costs nothing by itself: a new input is to be put here, or into what is asked.
    free = {"forceDelete", "hostname", "instanceName", "orderlySecurityGroups", "subnetId", "tags", "userDataRaw"}
    assert inputs.keys() - told.keys() == free | {"vpcId"}

    elastic = questions.of_elastic_ip(stack.server)
    addresses = declared.all("Eip/instance:Instance")
    if elastic is None:
        charged = [one.inputs["internetChargeType"] for one in addresses]
        assert charged in ([], ["TRAFFIC_POSTPAID_BY_HOUR"])
    else:
        [address] = addresses
        assert address.inputs["internetChargeType"] == elastic.parameters["InternetChargeType"]
        assert address.inputs["internetMaxBandwidthOut"] == elastic.parameters["InternetMaxBandwidthOut"]
        assert address.inputs.get("prepaidPeriod") == elastic.parameters.get("AddressChargePrepaid", {}).get("Period")


@pytest.mark.parametrize("blueprint", [{}, {"blueprint": "lhbp-u24"}])
def test_a_lighthouse_is_asked_for_as_it_is_declared(blueprint: Mapping[str, str], mocked: None) -> None:
    server = {**LIGHTHOUSE, "period": 24, **blueprint}
    inputs = components.instance(components.landed(server)).inputs
    account = lighthouse()
    monthly(settings(server), account)
    [asked] = account.asked("InquirePriceCreateInstances")
    prepaid = asked["InstanceChargePrepaid"]
    assert (asked["BundleId"], prepaid["Period"], prepaid["RenewFlag"]) == (
        *(inputs["bundleId"], inputs["period"], inputs["renewFlag"]),
    )
    # By name it is a system image, which is free; asked for it is only where it may be sold.
    assert asked.get("BlueprintId") == (inputs["blueprintId"] if blueprint else None)


def test_the_newest_fitting_image_is_asked_for() -> None:
    account = cvm(PREPAID)
    monthly(settings({"kind": "cvm"}), account)
    assert account.asked("InquiryPriceRunInstances")[0]["ImageId"] == "img-new"
    monthly(settings({"kind": "cvm", "image": "Debian"}), account)
    assert account.asked("InquiryPriceRunInstances")[1]["ImageId"] == "img-other"


def test_images_are_looked_for_on_every_page() -> None:
    def page(request: dict[str, Any]) -> dict[str, Any]:
        return {"TotalCount": 3, "ImageSet": IMAGES["ImageSet"][request["Offset"] :][:2]}  # type: ignore[index]

    account = cvm(PREPAID, DescribeImages=page)
    monthly(settings({"kind": "cvm", "image": "Debian"}), account)
    assert [request["Offset"] for request in account.asked("DescribeImages")] == [0, 2]
    assert account.asked("InquiryPriceRunInstances")[0]["ImageId"] == "img-other"


# --- what is answered --------------------------------------------------------------------------------


def test_what_is_prepaid_is_for_all_months_and_by_the_month() -> None:
    [item] = monthly(settings({**LIGHTHOUSE, "period": 12}), lighthouse()).items
    assert item.cost == Prepaid(12, Decimal("1480.0"), Decimal(1234))
    assert (item.cost.list_monthly, item.cost.monthly) == (Decimal("123.33"), Decimal("102.83"))
    assert (item.kind, item.size) == ("server", "bundle_starter_mc_promo_med2_01")


def test_money_is_exact() -> None:
    [item] = monthly(settings({**LIGHTHOUSE, "period": 1}), lighthouse(OriginalPrice=0.1, DiscountPrice=0.07)).items
    assert item.cost == Prepaid(1, Decimal("0.1"), Decimal("0.07"))
    assert Prepaid(8, Decimal(1), Decimal("0.36")).monthly == Decimal("0.05")  # 0.045: up, as billed


def test_an_hour_is_told_for_730_of_them() -> None:
    server = {"kind": "cvm", "charge-type": "POSTPAID_BY_HOUR"}
    price = monthly(settings(server), cvm(HOUR))
    assert [item.cost for item in price.items] == [Hourly((Step(0, Decimal("0.5"), Decimal("0.4")),))]
    assert (price.list_monthly, price.monthly, price.at_once) == (Decimal("365.00"), Decimal("292.00"), Decimal(0))


def test_a_price_that_falls_with_use_is_followed() -> None:
    server = {"kind": "cvm", "charge-type": "POSTPAID_BY_HOUR"}
    steps = {**HOUR, "UnitPriceDiscount": None, "UnitPriceSecondStep": 0.25, "UnitPriceThirdStep": 0.17}
    price = monthly(settings(server), cvm(steps))
    assert price.monthly == Decimal(96) / 2 + Decimal(264) / 4 + 370 * Decimal("0.17")
    assert str(remarks(price)[0]) == (
        "the price by the hour falls with use; each month after the first costs 124.10 CNY"
    )


@pytest.mark.parametrize(
    ("bandwidth", "answer", "cost"),
    [
        (BANDWIDTH, PREPAID, Prepaid(12, Decimal("1480.0"), Decimal(1234))),
        (BY_HOUR, HOUR, Hourly((Step(0, Decimal("0.5"), Decimal("0.4")),))),
    ],
)
def test_bandwidth_is_priced_where_it_is_paid_for(
    bandwidth: Mapping[str, Any], answer: Mapping[str, Any], cost: Prepaid | Hourly
) -> None:
    price = monthly(settings({"kind": "cvm", "bandwidth": bandwidth}), cvm(PREPAID, answer))
    mbps = bandwidth.get("mbps", 5)
    assert price.items[1:] == (Item("bandwidth", f"{mbps} Mbit/s", cost),)
    assert price.monthly == Decimal("102.83") + cost.monthly
    assert "traffic" not in str(price.remarks)


@pytest.mark.parametrize(
    ("bandwidth", "answer", "cost"),
    [
        (BANDWIDTH, {**PREPAID, "AddressPrice": None}, ("1480.0", "1234")),
        (BANDWIDTH, {"AddressPrice": {"OriginalPrice": 1480, "DiscountPrice": 1234}}, ("1480", "1234")),
        (BY_HOUR, {"AddressPrice": {"UnitPrice": 0.5, "DiscountPrice": 0.4, "ChargeUnit": "HOUR"}}, ("0.5", "0.4")),
    ],
)
def test_an_elastic_ip_has_a_price_of_its_own(
    bandwidth: Mapping[str, Any], answer: Mapping[str, Any], cost: tuple[str, str]
) -> None:
    account = cvm(PREPAID, {}, InquiryPriceAllocateAddresses={"Price": answer})
    price = monthly(settings({"kind": "cvm", "elastic-ip": True, "bandwidth": bandwidth}), account)
    [server, address] = price.items
    assert (server.kind, address.kind) == ("server", "address")
    paid = address.cost if isinstance(address.cost, Prepaid) else address.cost.steps[0]
    assert (paid.list_price, paid.price) == tuple(map(Decimal, cost))


def test_an_elastic_ip_s_traffic_has_none() -> None:
    price = monthly(settings({"kind": "cvm", "elastic-ip": True}), cvm(PREPAID, {}))
    assert [item.kind for item in price.items] == ["server"]
    assert "the elastic IP's traffic: billed by use" in map(str, price.remarks)


def test_what_has_no_price_is_named_and_only_that() -> None:
    price = monthly(settings({"kind": "cvm"}), cvm(PREPAID))
    assert [str(remark).partition(":")[0] for remark in price.remarks] == [
        *("traffic", "COS", "DNS records", "certificates", "network, firewall, remote commands (TAT)"),
    ]
    assert str(price.remarks[0]) == "traffic: billed by use, 0.72 CNY for each GB that goes out"
    untold = monthly(settings({"kind": "cvm"}), cvm(PREPAID, {}))
    assert (untold.items, str(untold.remarks[0])) == (price.items, "traffic: billed by use")
    server = {**LIGHTHOUSE, "alarms": {"notices": ["notice-f2svbu3w"]}}
    bought = {"source": "files", "files": {"chain": "chain.pem", "key": "key.pem"}}
    price = monthly(settings(server, delivery={"by": "tat"}, certificate=bought), lighthouse())
    told = "\n".join(map(str, price.remarks))
    assert "COS" not in told
    assert "traffic: the bundle has some in it" in told
    assert "certificates: bought elsewhere" in told
    assert "alarms: text messages" in told


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"Price": None},
        {"Price": {"InstancePrice": {}}},
        {"Price": {"InstancePrice": {**PREPAID, "OriginalPrice": "free", "DiscountPrice": None}}},
        {"Price": {"InstancePrice": {**PREPAID, "OriginalPrice": float("nan")}}},
        {"Price": {"InstancePrice": {**PREPAID, "Currency": "USD"}}},
    ],
)
def test_an_answer_without_a_price_is_no_price(answer: Mapping[str, Any]) -> None:
    with pytest.raises(NotPriced, match=r"^luodi:server: ") as caught:
        monthly(settings(LIGHTHOUSE), cloud(InquirePriceCreateInstances=answer))
    assert "\n" not in str(caught.value)


# --- what can't be had -------------------------------------------------------------------------------

SOLD_OUT = "is sold out in ap-guangzhou-6: no (ResourcesSoldOut.SpecifiedInstanceType). Set another, or another "


@pytest.mark.parametrize(
    ("server", "code", "said"),
    [
        ({}, "ResourcesSoldOut.SpecifiedInstanceType", f"luodi:server.instance-type: S5.MEDIUM2 {SOLD_OUT}"),
        ({}, "ResourceInsufficient.SpecifiedInstanceType", "luodi:server.instance-type: S5.MEDIUM2 is sold out in"),
        ({}, "InvalidParameterValue.InstanceTypeNotFound", "luodi:server.instance-type: S5.MEDIUM2 has no price in"),
        ({}, "ResourceInsufficient.CloudDiskSoldOut", "luodi:server.disk: CLOUD_BSSD 50 GB is sold out in"),
        ({}, "ResourcesSoldOut.AvailableZone", "luodi:server.zone: ap-guangzhou-6 is sold out in"),
        ({"period": 48}, "InvalidPeriod", "luodi:server.period: 48 months has no price in ap-guangzhou-6"),
        ({"bandwidth": BANDWIDTH}, "InvalidParameterValue.BandwidthOutOfRange", "luodi:server.bandwidth: 10 Mbit/s "),
        ({}, "InvalidParameterValue.InvalidImageForGivenInstanceType", "luodi:server.image: Ubuntu Server 24.04 "),
        ({}, "InvalidParameterValue", "luodi:server: S5.MEDIUM2 has no price in ap-guangzhou-6: no (Invalid"),
        (LIGHTHOUSE, "InvalidParameter.BundleIdNotFound", "luodi:server.bundle: bundle_starter_mc_promo_med2_01 has "),
        (LIGHTHOUSE, "ResourcesSoldOut.BundleSoldOut", "luodi:server.bundle: bundle_starter_mc_promo_med2_01 is sold"),
    ],
)
def test_what_is_not_sold_is_told_by_its_setting(server: Mapping[str, Any], code: str, said: str) -> None:
    account = cloud(InquiryPriceRunInstances=refused(code), InquirePriceCreateInstances=refused(code))
    with pytest.raises(NotPriced) as caught:
        monthly(settings({"kind": "cvm", **server}), account)
    assert str(caught.value).startswith(said)
    assert str(caught.value).endswith(
        f"https://buy.cloud.tencent.com/{'cvm' if server != LIGHTHOUSE else 'lighthouse'}"
    )


def test_an_image_that_isn_t_there_is_told() -> None:
    with pytest.raises(NotPriced, match=r"luodi:server\.image: no public image's operating system is called 'Plan 9'"):
        monthly(settings({"kind": "cvm", "image": "Plan 9"}), cloud())


@pytest.mark.parametrize("code", ["AuthFailure.SignatureFailure", "InternalError", "RequestLimitExceeded"])
def test_what_is_no_setting_s_fault_is_told_as_it_is(code: str) -> None:
    with pytest.raises(ApiError, match=code):
        monthly(settings({"kind": "cvm"}), cloud(InquiryPriceRunInstances=refused(code)))


# --- how it is told ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "text"), [("1234", "1 234.00"), ("0.3821", "0.3821"), ("1000000.5", "1 000 000.50"), ("0", "0.00")]
)
def test_money_is_told_with_its_thousands_apart(amount: str, text: str) -> None:
    assert money(Decimal(amount)) == text


def test_a_price_in_one_line() -> None:
    year = Item("server", "S5.MEDIUM2", Prepaid(12, Decimal(1480), Decimal(1234)))
    assert str(line(Price((year,), ()))) == "server: 1 234.00 CNY for 12 months, 102.83 a month (list price 1 480.00)"
    assert line(Price((year,), ())).zh == "服务器：12 个月 1 234.00 元，每月 102.83 元（原价 1 480.00 元）"
    hour = Item("bandwidth", "5 Mbit/s", Hourly((Step(0, Decimal("0.2"), Decimal("0.2")),)))
    assert str(line(Price((year, hour), ()))).partition("; ")[2] == (
        "bandwidth 5 Mbit/s: 0.20 CNY an hour, 146.00 a month of 730 hours; together 248.83 CNY a month"
    )
    month = Item("server", "x", Prepaid(1, Decimal(50), Decimal(50)))
    assert str(line(Price((month,), ()))) == "server: 50.00 CNY for a month"


@pytest.mark.parametrize("width", [40, 80, 120])
def test_it_fits_every_terminal(width: int) -> None:
    price = monthly(settings({"kind": "cvm", "bandwidth": BANDWIDTH}), cvm(PREPAID, PREPAID))
    written = io.StringIO()
    view.show(Console(file=written, width=width), {"production": price, "staging": price}, 2, "en")
    lines = written.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    text = " ".join(" ".join(lines).split())
    assert text.count("server S5.MEDIUM2, CLOUD_BSSD 50 GB") == 2
    assert "411.32 CNY a month in all; 4 936.00 at once when ordered" in text


def _told(known: bool, account: FakeAccount, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a preview says, of a server whose id is known or not."""
    told: list[str] = []
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: True)
    monkeypatch.setattr(pulumi.log, "info", lambda text, resource: told.append(text))

    async def later(value: Any) -> Any:
        return value

    def program() -> pulumi.Output[str | None]:
        server: pulumi.Output[str] = pulumi.Output(set(), later("lhins-1" if known else ""), later(known))
        resource = pulumi.ComponentResource("test:index:Thing", "thing")
        return preview.tell(settings(LIGHTHOUSE), account, server, resource)

    declare(program, outputs={}, answers={})
    return told


def test_a_preview_tells_the_price_of_a_server_that_it_would_make(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _told(False, lighthouse(), monkeypatch) == [
        "server: 1 234.00 CNY for 12 months, 102.83 a month (list price 1 480.00)"
    ]


def test_a_preview_asks_nothing_of_a_server_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    account = lighthouse()
    assert _told(True, account, monkeypatch) == []
    assert account.calls == []


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (refused("UnauthorizedOperation"), "Tencent Cloud refused the action: no (UnauthorizedOperation)"),
        (refused("ResourcesSoldOut.BundleSoldOut"), "luodi:server.bundle: bundle_starter_mc_promo_med2_01 is sold out"),
        ({"Price": "never seen"}, "luodi:server: Tencent Cloud's answer has no Price"),
    ],
)
def test_no_price_is_no_failure_of_a_preview(
    answer: Mapping[str, Any] | Answer, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    [told] = _told(False, cloud(InquirePriceCreateInstances=answer), monkeypatch)
    assert told.startswith(f"the price can't be told: {why}")


# --- the command -------------------------------------------------------------------------------------


class Project:
    """A project whose account is made up."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.account = folder, lighthouse()
        (folder / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
        monkeypatch.setattr(Account, "find", lambda _: self.account)

    def write(self, stack: str, server: Mapping[str, Any]) -> Path:
        path = self.folder / f"Pulumi.{stack}.yaml"
        path.write_text(yaml.safe_dump({"config": config(server)}, allow_unicode=True), "utf-8")
        return path

    def price(self, *arguments: str) -> Result:
        command = ["price", *arguments, "--lang", "en", "--cwd", str(self.folder)]
        return CliRunner().invoke(main, command, catch_exceptions=False)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    return Project(tmp_path, monkeypatch)


def test_every_stack_has_a_row_and_all_have_a_sum(project: Project) -> None:
    project.write("production", {**LIGHTHOUSE, "period": 12})
    project.write("second", {**LIGHTHOUSE, "period": 3})
    done = project.price()
    assert (done.exit_code, done.stderr) == (0, "")
    rows = [" ".join(row.split()) for row in done.stdout.splitlines()]
    assert rows[:4] == [
        "stack what paid list price price a month",
        "production server bundle_starter_mc_promo_med2_01 12 months at once 1 480.00 1 234.00 102.83",
        "second server bundle_starter_mc_promo_med2_01 3 months at once 1 480.00 1 234.00 411.33",
        "total 514.16",
    ]
    assert "514.16 CNY a month in all; 2 468.00 at once when ordered" in rows


def test_only_the_stack_that_was_named(project: Project) -> None:
    project.write("production", LIGHTHOUSE)
    project.write("second", LIGHTHOUSE)
    told = json.loads(project.price("--stack", "second", "--json").stdout)
    assert (list(told["stacks"]), told["currency"], told["errors"]) == (["second"], "CNY", {})
    assert (told["monthly"], told["atOnce"]) == ("102.83", "1234.00")
    [item] = told["stacks"]["second"]["items"]
    assert item == {
        "kind": "server",
        "size": LIGHTHOUSE["bundle"],
        "by": "period",
        "months": 12,
        "listPrice": "1480.00",
        "price": "1234.00",
        "listMonthly": "123.33",
        "monthly": "102.83",
    }


def test_one_stack_s_trouble_is_not_the_others(project: Project) -> None:
    project.write("production", LIGHTHOUSE)
    bad = project.write("bad", {"kind": "cvm", "period": 13})
    sold = project.write("sold-out", {"kind": "cvm"})
    project.account = cloud(
        **{name: answer for name, answer in lighthouse().answers.items() if name.startswith("Inquire")},
        InquiryPriceRunInstances=refused("ResourcesSoldOut.SpecifiedInstanceType"),
    )
    done = project.price()
    assert done.exit_code == 1
    assert "102.83 CNY a month in all; 1 234.00 at once when ordered (1 of 3 stacks)" in done.stdout
    first, setting, second = done.stderr.splitlines()
    assert first == f"Error: bad: {bad}:"
    assert setting.startswith("  luodi:server.period: must be one of 1, 2, 3")
    assert second.startswith(f"Error: sold-out: {sold}: luodi:server.instance-type: S5.MEDIUM2 is sold out in ap-guang")
    told = json.loads(project.price("--json").stdout)
    assert (list(told["stacks"]), list(told["errors"])) == (["production"], ["bad", "sold-out"])


def test_what_all_stacks_suffer_from_is_told_once(project: Project) -> None:
    def silent(_: dict[str, Any]) -> dict[str, Any]:
        raise Unreachable("DescribeImages", "127.0.0.1:1", "Connection refused")

    project.write("a", {"kind": "cvm"})
    project.write("b", LIGHTHOUSE)
    project.account = cloud(DescribeImages=silent, InquirePriceCreateInstances=silent)
    done = project.price()
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: a, b: Tencent Cloud's API does not answer at 127.0.0.1:1")
    assert len(done.stderr.splitlines()) == 1


def test_without_credentials_nothing_is_asked(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_: Mapping[str, Any]) -> Account:
        raise NoCredentials

    project.write("a", {"kind": "cvm"})
    project.write("b", LIGHTHOUSE)
    monkeypatch.setattr(Account, "find", none)
    done = project.price()
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: a, b: No Tencent Cloud credentials. Set TENCENTCLOUD_SECRET_ID")
    assert project.account.calls == []


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 1, "the project has no stack files (Pulumi.<stack>.yaml)"),
        (("production",), 2, "unexpected extra argument (production)"),
    ],
)
def test_a_wrong_command_line(project: Project, arguments: tuple[str, ...], code: int, said: str) -> None:
    done = project.price(*arguments)
    assert done.exit_code == code
    assert said in done.stderr


def test_outside_of_a_project(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["price", "--cwd", str(tmp_path)], catch_exceptions=False)
    assert done.exit_code == 1
    assert "no Pulumi.yaml here or above" in done.stderr
