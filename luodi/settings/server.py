"""The server: a CVM or a Lighthouse instance, and the ports it opens."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from luodi.section import Section, Text
from luodi.settings.values import Bundle, InstanceType, Network, Period, Ports, like

Notice = Annotated[str, like(r"notice-[a-z0-9]+", "notice template (通知模板), such as notice-f2svbu3w")]
RenewFlag = Literal["NOTIFY_AND_AUTO_RENEW", "NOTIFY_AND_MANUAL_RENEW", "DISABLE_NOTIFY_AND_MANUAL_RENEW"]


class IngressRule(Section):
    """A port opened besides 80 and 443."""

    port: Ports = Field(description="22, 8000-8010 or 22,2222.")
    source: Network = Field(description="Who may reach it, a CIDR block such as 203.0.113.7/32.")
    protocol: Literal["TCP", "UDP"] = "TCP"
    description: Text = Field("opened by the stack", description="Shown in the console (备注).")


class AlarmSettings(Section):
    """When Tencent Cloud's monitor (腾讯云可观测平台) raises an alarm: percent in use, over five minutes."""

    notices: tuple[Notice, ...] = Field(
        strict=False,
        min_length=1,
        description="Notice templates (通知模板), such as notice-f2svbu3w: who is told, and how.",
    )
    cpu: int = Field(90, ge=1, le=100, description="Of the processors.")
    memory: int = Field(90, ge=1, le=100, description="Of the memory.")
    disk: int = Field(90, ge=1, le=100, description="Of the disk.")


class _Server(Section):
    zone: Text | None = Field(None, description="Availability zone (可用区); by default one of the region's own.")
    period: Period = Field(12, description="Months prepaid (购买时长); a filing needs at least 3.")
    renew_flag: RenewFlag = Field("NOTIFY_AND_AUTO_RENEW", description="What happens when the period ends (自动续费).")
    ingress: tuple[IngressRule, ...] = Field((), strict=False, description="Ports opened besides 80 and 443.")
    log_days: int = Field(
        190,
        ge=184,
        le=3650,
        description="How many days nginx's and applications' logs are kept: at least six months, as the Cybersecurity "
        "Law asks (网络安全法第二十一条第三项).",
    )
    alarms: AlarmSettings | None = Field(None, description="When Tencent Cloud's monitor raises an alarm; else never.")
    protect: bool = Field(
        False, description="Refuse to delete or replace the server, its elastic IP, and a zone that was created."
    )

    @property
    def opens_ssh(self) -> bool:
        """Whether a port that SSH listens on is opened."""
        return any(rule.protocol == "TCP" and _covers(rule.port, 22) for rule in self.ingress)


def _covers(ports: str, port: int) -> bool:
    ranges = (part.partition("-") for part in ports.split(","))
    return any(int(low) <= port <= int(high or low) for low, _, high in ranges)


class Disk(Section):
    """The system disk (系统盘)."""

    type: Literal["CLOUD_PREMIUM", "CLOUD_BSSD", "CLOUD_SSD", "CLOUD_HSSD", "CLOUD_TSSD"] = "CLOUD_BSSD"
    size: int = Field(default=50, ge=20, le=2048, description="GB.")


class Bandwidth(Section):
    """Access to the public network (公网带宽)."""

    charge_type: Literal["TRAFFIC_POSTPAID_BY_HOUR", "BANDWIDTH_PREPAID", "BANDWIDTH_POSTPAID_BY_HOUR"] = (
        "TRAFFIC_POSTPAID_BY_HOUR"
    )
    mbps: int = Field(default=5, ge=1, le=2000, description="Highest outgoing rate, Mbit/s.")

    @property
    def prepaid(self) -> bool:
        """Whether it is paid for the server's period at once."""
        return self.charge_type == "BANDWIDTH_PREPAID"

    @property
    def address_charge_type(self) -> str:
        """The same, as the API of elastic IPs (弹性公网 IP) calls it."""
        return "BANDWIDTH_PREPAID_BY_MONTH" if self.prepaid else self.charge_type


class CvmSettings(_Server):
    """A CVM instance (云服务器) in a network of its own."""

    kind: Literal["cvm"]
    instance_type: InstanceType = Field("S5.MEDIUM2", description="Instance type (机型规格).")
    image: Text = Field(
        "Ubuntu Server 24.04",
        description="Image family, by the operating system's name (操作系统); the newest public image is taken at "
        "creation and kept.",
    )
    charge_type: Literal["PREPAID", "POSTPAID_BY_HOUR"] = Field(
        "PREPAID", description="Prepaid (包年包月), or pay-as-you-go (按量计费) for staging."
    )
    elastic_ip: bool = Field(
        False,
        description="An elastic IP (弹性公网 IP) that outlives the instance, instead of its own address.",
    )
    network: Network = Field("10.8.0.0/16", description="The VPC's CIDR block.")
    subnet: Network = Field("10.8.1.0/24", description="The subnet's CIDR block, inside the network's.")
    disk: Disk = Disk()
    bandwidth: Bandwidth = Bandwidth()

    @property
    def prepaid(self) -> bool:
        """Whether it is paid for its period at once (包年包月)."""
        return self.charge_type == "PREPAID"

    @property
    def own_bandwidth(self) -> Bandwidth | None:
        """That of the instance's own address; None where an elastic IP has it."""
        return None if self.elastic_ip else self.bandwidth


class LighthouseSettings(_Server):
    """A Lighthouse instance (轻量应用服务器); always prepaid."""

    kind: Literal["lighthouse"]
    bundle: Bundle = Field(description="Bundle (套餐), such as bundle_starter_mc_promo_med2_01.")
    blueprint: Text = Field(
        "Ubuntu Server 24.04 LTS 64bit",
        description="Image (镜像): the blueprint's name, or its id (lhbp-...). Taken at creation and kept.",
    )
