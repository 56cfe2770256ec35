"""Structures of the product `ba` as its SDK would describe them.

DescribeDomainIcpStatus is what Tencent Cloud's own page about intercepted domains asks; it can be called
like any action (`ba`, 2020-07-20), but `tencentcloud-sdk-python-ba` doesn't have it. Its fields are those
of published answers.
"""

from __future__ import annotations


class DescribeDomainIcpStatusRequest:
    """DescribeDomainIcpStatus请求参数结构体."""

    def __init__(self) -> None:
        """Hold the question.

        :param Domain: 域名
        :type Domain: str
        """
        self.Domain: str | None = None


class DescribeDomainIcpStatusResponse:
    """DescribeDomainIcpStatus返回参数结构体."""

    def __init__(self) -> None:
        """Hold the answer.

        :param GovStatus: 管局是否已通过
        :type GovStatus: bool
        :param LandedStatus: 是否已接入腾讯云
        :type LandedStatus: bool
        :param AuditTicket: 是否有核查工单
        :type AuditTicket: bool
        :param Ban: 是否被封禁
        :type Ban: bool
        :param RequestId: 唯一请求 ID
        :type RequestId: str
        """
        self.GovStatus: bool | None = None
        self.LandedStatus: bool | None = None
        self.AuditTicket: bool | None = None
        self.Ban: bool | None = None
        self.RequestId: str | None = None
