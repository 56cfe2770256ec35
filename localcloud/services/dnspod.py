"""DNSPod: zones and records. It knows no regions."""

from __future__ import annotations

from typing import Any

from tencentcloud.dnspod.v20210323 import models

from localcloud import zones
from localcloud.errors import CloudError
from localcloud.formats import local_timestamp
from localcloud.services.base import Service, action, page
from localcloud.store import Document, Kind
from localcloud.wire import build

FIRST_DOMAIN_ID = 90_000_001
FIRST_RECORD_ID = 1_600_000_001


class Dnspod(Service):
    """Product `dnspod`."""

    product = "dnspod"
    version = "2021-03-23"
    sdk = models
    regional = False

    # Domains

    @action("CreateDomain", requires=("Domain",))
    def create_domain(self, request: models.CreateDomainRequest) -> models.CreateDomainResponse:
        """Add a zone; its name servers are in it from the start."""
        name = zones.to_ascii(request.Domain)
        if self.store.get(Kind.DOMAIN, name) is not None:
            raise CloudError("FailedOperation.DomainExists", f"{name} is in this account already.")
        if self.store.get(Kind.FOREIGN_DOMAIN, name) is not None:
            raise CloudError(
                "FailedOperation.DomainOwnedByOtherUser",
                f"{name} has been added by another account; it can be taken back (取回) in the"
                " console's list of domains.",
            )
        document = {
            "DomainId": self.store.next_number("domain", FIRST_DOMAIN_ID),
            "Domain": request.Domain.strip().rstrip(".").lower(),
            "Punycode": name,
            "Status": "ENABLE",
            "GroupId": request.GroupId or 1,
            "IsMark": request.IsMark or "no",
            "Remark": "",
            "CreatedOn": local_timestamp(),
            "UpdatedOn": local_timestamp(),
            "_Tags": [{"TagKey": tag.TagKey, "TagValue": tag.TagValue or ""} for tag in request.Tags or ()],
        }
        self.store.put(Kind.DOMAIN, name, document)
        for server in zones.NAME_SERVERS:
            self._add(document, "@", "NS", f"{server}.", ttl=86400, line=zones.DEFAULT_LINE, default=True)
        return build(
            models.CreateDomainResponse,
            DomainInfo={
                "Id": document["DomainId"],
                "Domain": document["Domain"],
                "Punycode": name,
                "GradeNsList": list(zones.NAME_SERVERS),
            },
        )

    @action("DescribeDomain", requires=("Domain",))
    def describe_domain(self, request: models.DescribeDomainRequest) -> models.DescribeDomainResponse:
        """Describe one zone."""
        document = self._domain(request)
        return build(
            models.DescribeDomainResponse,
            DomainInfo={
                **document,
                "Grade": "DP_FREE",
                "GradeLevel": 2,
                "GradeTitle": "免费版",
                "TTL": zones.MINIMUM_TTL,
                "CnameSpeedup": "disable",
                "CNAMESpeedup": "disable",
                "DnsStatus": "",
                "DNSStatus": "",
                "DnspodNsList": list(zones.NAME_SERVERS),
                "ActualNsList": list(zones.NAME_SERVERS),
                "UserId": int(self.cloud.account.uin),
                "Uin": self.cloud.account.uin,
                "IsVip": "no",
                "Owner": f"qcloud_uin_{self.cloud.account.uin}@qcloud.com",
                "OwnerNick": "localcloud",
                "RecordCount": len(self._records(document)),
                "IsGracePeriod": "no",
                "VipBuffered": "no",
                "VipAutoRenew": "default",
                "IsSubDomain": False,
                "TagList": document["_Tags"],
                "SearchEnginePush": "no",
                "SlaveDNS": "no",
            },
        )

    @action("DescribeDomainList")
    def describe_domain_list(self, request: models.DescribeDomainListRequest) -> models.DescribeDomainListResponse:
        """List the account's zones."""
        every = self.store.all(Kind.DOMAIN)
        found = [one for one in every if (request.Keyword or "").lower() in one["Domain"]]
        if request.Type == "PAUSE":
            found = [one for one in found if one["Status"] == "PAUSE"]
        elif request.Type == "ISMARK":
            found = [one for one in found if one["IsMark"] == "yes"]
        elif request.Type in {"SHARE", "SHARE_OUT", "VIP"}:
            found = []
        paused = sum(one["Status"] == "PAUSE" for one in every)
        return build(
            models.DescribeDomainListResponse,
            DomainCountInfo={
                "DomainTotal": len(found),
                "AllTotal": len(every),
                "MineTotal": len(every),
                "ShareTotal": 0,
                "VipTotal": 0,
                "PauseTotal": paused,
                "ErrorTotal": 0,
                "LockTotal": 0,
                "SpamTotal": 0,
                "VipExpire": 0,
                "ShareOutTotal": 0,
                "GroupTotal": len(every),
            },
            DomainList=[
                {
                    "DomainId": one["DomainId"],
                    "Name": one["Domain"],
                    "Status": one["Status"],
                    "TTL": zones.MINIMUM_TTL,
                    "CNAMESpeedup": "DISABLE",
                    "DNSStatus": "",
                    "Grade": "DP_FREE",
                    "GroupId": one["GroupId"],
                    "SearchEnginePush": "NO",
                    "Remark": one["Remark"],
                    "Punycode": one["Punycode"],
                    "EffectiveDNS": list(zones.NAME_SERVERS),
                    "GradeLevel": 2,
                    "GradeTitle": "免费版",
                    "IsVip": "NO",
                    "VipAutoRenew": "DEFAULT",
                    "RecordCount": len(self._records(one)),
                    "CreatedOn": one["CreatedOn"],
                    "UpdatedOn": one["UpdatedOn"],
                    "Owner": f"qcloud_uin_{self.cloud.account.uin}@qcloud.com",
                    "TagList": one["_Tags"],
                }
                for one in page(found, request.Offset, request.Limit, default=3000, maximum=3000)
            ],
        )

    @action("ModifyDomainStatus", requires=("Domain", "Status"))
    def modify_domain_status(self, request: models.ModifyDomainStatusRequest) -> models.ModifyDomainStatusResponse:
        """Serve a zone or stop serving it."""
        document = self._domain(request)
        states = {"enable": "ENABLE", "disable": "PAUSE"}
        state = states.get(request.Status.lower())
        if state is None:
            raise CloudError(
                "InvalidParameterValue",
                f"Status is {request.Status!r}; give enable or disable.",
            )
        self._keep_domain(document, Status=state)
        return models.ModifyDomainStatusResponse()

    @action("ModifyDomainRemark", requires=("Domain",))
    def modify_domain_remark(self, request: models.ModifyDomainRemarkRequest) -> models.ModifyDomainRemarkResponse:
        """Change a zone's remark."""
        document = self._domain(request)
        _check_remark(request.Remark or "")
        self._keep_domain(document, Remark=request.Remark or "")
        return models.ModifyDomainRemarkResponse()

    @action("DeleteDomain", requires=("Domain",))
    def delete_domain(self, request: models.DeleteDomainRequest) -> models.DeleteDomainResponse:
        """Remove a zone and all its records."""
        document = self._domain(request)
        for record in self._records(document):
            self.store.delete(Kind.RECORD, str(record["RecordId"]))
        self.store.delete(Kind.DOMAIN, document["Punycode"])
        return models.DeleteDomainResponse()

    # Records

    @action("CreateRecord", requires=("Domain", "RecordType", "RecordLine", "Value"))
    def create_record(self, request: models.CreateRecordRequest) -> models.CreateRecordResponse:
        """Add a record."""
        record = self._add(
            self._domain(request),
            request.SubDomain or "@",
            request.RecordType,
            request.Value,
            line=_line(request),
            ttl=request.TTL,
            priority=request.MX,
            weight=request.Weight,
            status=request.Status,
            remark=request.Remark,
        )
        return build(models.CreateRecordResponse, RecordId=record["RecordId"])

    @action("CreateTXTRecord", requires=("Domain", "RecordLine", "Value"))
    def create_txt_record(self, request: models.CreateTXTRecordRequest) -> models.CreateTXTRecordResponse:
        """Add a TXT record."""
        record = self._add(
            self._domain(request),
            request.SubDomain or "@",
            "TXT",
            request.Value,
            line=_line(request),
            ttl=request.TTL,
            status=request.Status,
            remark=request.Remark,
        )
        return build(models.CreateTXTRecordResponse, RecordId=record["RecordId"])

    @action("DescribeRecord", requires=("Domain", "RecordId"))
    def describe_record(self, request: models.DescribeRecordRequest) -> models.DescribeRecordResponse:
        """Describe one record."""
        domain = self._domain(request)
        record = self._record(domain, request.RecordId)
        return build(
            models.DescribeRecordResponse,
            RecordInfo={
                "Id": record["RecordId"],
                "SubDomain": record["Name"],
                "RecordType": record["Type"],
                "RecordLine": record["Line"],
                "RecordLineId": record["LineId"],
                "Value": record["Value"],
                "Weight": record["Weight"],
                "MX": record["MX"],
                "TTL": record["TTL"],
                "Enabled": int(record["Status"] == "ENABLE"),
                "MonitorStatus": "",
                "Remark": record["Remark"],
                "UpdatedOn": record["UpdatedOn"],
                "DomainId": domain["DomainId"],
            },
        )

    @action("DescribeRecordList", requires=("Domain",))
    def describe_record_list(self, request: models.DescribeRecordListRequest) -> models.DescribeRecordListResponse:
        """List a zone's records; none found is an error unless ErrorOnEmpty is no."""
        every = self._records(self._domain(request))
        found = every
        name = request.SubDomain if request.SubDomain is not None else request.Subdomain
        wanted = {
            "Name": zones.check_subdomain(name) if name else None,
            "Type": request.RecordType,
            "LineId": request.RecordLineId,
            "Line": None if request.RecordLineId else request.RecordLine,
        }
        for field, value in wanted.items():
            if value:
                found = [record for record in found if record[field] == value]
        if request.Keyword:
            found = [
                record for record in found if request.Keyword in record["Name"] or request.Keyword in record["Value"]
            ]
        if request.SortField:
            found = _sorted(found, request.SortField, request.SortType)
        shown = page(found, request.Offset, request.Limit, default=100, maximum=3000)
        if not shown and request.ErrorOnEmpty != "no":
            raise CloudError("ResourceNotFound.NoDataOfRecord", "The list of records is empty.")
        return build(
            models.DescribeRecordListResponse,
            RecordCountInfo={
                "SubdomainCount": len({record["Name"] for record in every}),
                "ListCount": len(shown),
                "TotalCount": len(found),
            },
            RecordList=[{**record, "MonitorStatus": ""} for record in shown],
        )

    @action("ModifyRecord", requires=("Domain", "RecordType", "RecordLine", "Value", "RecordId"))
    def modify_record(self, request: models.ModifyRecordRequest) -> models.ModifyRecordResponse:
        """Change a record; what isn't given of name, TTL and remark stays as it is."""
        self._modify(
            request,
            record_type=request.RecordType,
            priority=request.MX,
            weight=request.Weight,
        )
        return build(models.ModifyRecordResponse, RecordId=request.RecordId)

    @action("ModifyTXTRecord", requires=("Domain", "RecordLine", "Value", "RecordId"))
    def modify_txt_record(self, request: models.ModifyTXTRecordRequest) -> models.ModifyTXTRecordResponse:
        """Change a TXT record."""
        self._modify(request, record_type="TXT", priority=None, weight=None)
        return build(models.ModifyTXTRecordResponse, RecordId=request.RecordId)

    @action("ModifyRecordRemark", requires=("Domain", "RecordId"))
    def modify_record_remark(self, request: models.ModifyRecordRemarkRequest) -> models.ModifyRecordRemarkResponse:
        """Change a record's remark."""
        record = self._record(self._domain(request), request.RecordId)
        _check_remark(request.Remark or "")
        self._keep(record, Remark=request.Remark or "")
        return models.ModifyRecordRemarkResponse()

    @action("ModifyRecordStatus", requires=("Domain", "RecordId", "Status"))
    def modify_record_status(self, request: models.ModifyRecordStatusRequest) -> models.ModifyRecordStatusResponse:
        """Serve a record or stop serving it."""
        record = self._record(self._domain(request), request.RecordId)
        self._keep(record, Status=_status(request.Status))
        return build(models.ModifyRecordStatusResponse, RecordId=request.RecordId)

    @action("DeleteRecord", requires=("Domain", "RecordId"))
    def delete_record(self, request: models.DeleteRecordRequest) -> models.DeleteRecordResponse:
        """Remove one record, by its id."""
        record = self._record(self._domain(request), request.RecordId)
        _refuse_default(record)
        self.store.delete(Kind.RECORD, str(record["RecordId"]))
        return models.DeleteRecordResponse()

    @action("DescribeRecordLineList", requires=("Domain", "DomainGrade"))
    def describe_record_line_list(
        self, request: models.DescribeRecordLineListRequest
    ) -> models.DescribeRecordLineListResponse:
        """List the lines of the free plan."""
        self._domain(request)
        return build(
            models.DescribeRecordLineListResponse,
            LineList=[{"Name": name, "LineId": identifier} for name, identifier in zones.LINES.items()],
            LineGroupList=[],
        )

    # Parts

    def _domain(self, request: Any) -> Document:
        """Return the zone that a request is about, by DomainId or else by name."""
        identifier = getattr(request, "DomainId", None)
        if identifier is not None:
            for document in self.store.all(Kind.DOMAIN):
                if document["DomainId"] == identifier:
                    return document
            raise CloudError("InvalidParameter.DomainIdInvalid", f"DomainId {identifier}: unknown.")
        name = zones.to_ascii(request.Domain)
        found = self.store.get(Kind.DOMAIN, name)
        if found is not None:
            return found
        if self.store.get(Kind.FOREIGN_DOMAIN, name) is not None:
            raise CloudError(
                "OperationDenied.NoPermissionToOperateDomain",
                f"{name} belongs to another account.",
            )
        raise CloudError("InvalidParameterValue.DomainNotExists", f"{name} is not a domain of this account.")

    def _keep_domain(self, document: Document, **changes: Any) -> None:
        document.update(changes, UpdatedOn=local_timestamp())
        self.store.put(Kind.DOMAIN, document["Punycode"], document)

    def _records(self, domain: Document) -> list[Document]:
        records = self.store.all(Kind.RECORD)
        return [record for record in records if record["_Domain"] == domain["Punycode"]]

    def _record(self, domain: Document, identifier: int) -> Document:
        record = self.store.get(Kind.RECORD, str(identifier))
        if record is None or record["_Domain"] != domain["Punycode"]:
            raise CloudError(
                "InvalidParameter.RecordIdInvalid",
                f"RecordId {identifier} is not a record of {domain['Domain']}.",
            )
        return record

    def _add(
        self,
        domain: Document,
        name: str,
        record_type: str,
        value: str,
        *,
        line: str,
        ttl: int | None = None,
        priority: int | None = None,
        weight: int | None = None,
        status: str | None = None,
        remark: str | None = None,
        default: bool = False,
    ) -> Document:
        record = {
            "RecordId": self.store.next_number("record", FIRST_RECORD_ID),
            "Name": zones.check_subdomain(name),
            "Type": record_type.upper(),
            "Line": line,
            "LineId": zones.LINES[line],
            "MX": _priority(record_type, priority),
            "TTL": _ttl(ttl),
            "Weight": _weight(weight),
            "Status": _status(status or "ENABLE"),
            "Remark": remark or "",
            "DefaultNS": default,
            "_Domain": domain["Punycode"],
        }
        record["Value"] = zones.check_value(record["Type"], value, record["MX"])
        _check_remark(record["Remark"])
        self._check_neighbours(domain, record)
        self._keep(record)
        return record

    def _modify(self, request: Any, *, record_type: str, priority: int | None, weight: int | None) -> None:
        domain = self._domain(request)
        record = self._record(domain, request.RecordId)
        _refuse_default(record)
        line = _line(request)
        record.update(Type=record_type.upper(), Line=line, LineId=zones.LINES[line])
        if request.SubDomain is not None:
            record["Name"] = zones.check_subdomain(request.SubDomain)
        record["MX"] = _priority(record_type, priority if priority is not None else record["MX"])
        record["Value"] = zones.check_value(record["Type"], request.Value, record["MX"])
        if request.TTL is not None:
            record["TTL"] = _ttl(request.TTL)
        if weight is not None:
            record["Weight"] = _weight(weight)
        if request.Status is not None:
            record["Status"] = _status(request.Status)
        if request.Remark is not None:
            _check_remark(request.Remark)
            record["Remark"] = request.Remark
        self._check_neighbours(domain, record)
        self._keep(record)

    def _check_neighbours(self, domain: Document, record: Document) -> None:
        for other in self._records(domain):
            same_place = other["Name"] == record["Name"] and other["Line"] == record["Line"]
            if not same_place or other["RecordId"] == record["RecordId"]:
                continue
            types = {other["Type"], record["Type"]}
            if len(types) == 1 and other["Value"] == record["Value"]:
                raise CloudError(
                    "InvalidParameter.DomainRecordExist",
                    f"There is a record {record['Name']} {record['Type']} {record['Value']}"
                    " already; it need not be added again.",
                )
            # At the zone's own name DNSPod does put up with a CNAME beside its name servers.
            if "CNAME" in types and not other["DefaultNS"]:
                raise CloudError(
                    "InvalidParameter",
                    f"A CNAME record can't stand beside another of the same name: {other['Name']}"
                    f" {other['Type']} {other['Value']}.",
                )

    def _keep(self, record: Document, **changes: Any) -> None:
        record.update(changes, UpdatedOn=local_timestamp())
        self.store.put(Kind.RECORD, str(record["RecordId"]), record)


def _line(request: Any) -> str:
    if request.RecordLineId:
        for name, identifier in zones.LINES.items():
            if identifier == request.RecordLineId:
                return name
        raise _wrong_line(request.RecordLineId)
    if request.RecordLine not in zones.LINES:
        raise _wrong_line(request.RecordLine)
    return str(request.RecordLine)


def _wrong_line(line: str) -> CloudError:
    return CloudError(
        "InvalidParameter.RecordLineInvalid",
        f"The line {line!r} is not one of the free plan: {', '.join(zones.LINES)}.",
    )


def _ttl(ttl: int | None) -> int:
    if ttl is None:
        return zones.MINIMUM_TTL
    if not zones.MINIMUM_TTL <= ttl <= zones.MAXIMUM_TTL:
        raise CloudError(
            "LimitExceeded.RecordTtlLimit",
            f"TTL is {ttl}; the free plan (免费版) allows {zones.MINIMUM_TTL} to {zones.MAXIMUM_TTL} seconds.",
        )
    return ttl


def _weight(weight: int | None) -> int | None:
    if weight is not None and not 0 <= weight <= 100:
        raise CloudError("InvalidParameter.InvalidWeight", f"Weight is {weight}; give 0 to 100.")
    return weight or None


def _priority(record_type: str, priority: int | None) -> int:
    if record_type.upper() != "MX":
        return 0
    if priority is None or not 0 <= priority <= 65535:
        raise CloudError("InvalidParameter.MxInvalid", f"MX is {priority}; give 0 to 65535.")
    return priority


def _status(status: str) -> str:
    if status.upper() not in {"ENABLE", "DISABLE"}:
        raise CloudError("InvalidParameterValue", f"Status is {status!r}; give ENABLE or DISABLE.")
    return status.upper()


def _check_remark(remark: str) -> None:
    if len(remark) > 200:
        raise CloudError("InvalidParameter.RemarkTooLong", "A remark has at most 200 characters.")


def _refuse_default(record: Document) -> None:
    if record["DefaultNS"]:
        raise CloudError("FailedOperation", "The zone's own name server records can't be changed or removed.")


def _sorted(records: list[Document], field: str, direction: str | None) -> list[Document]:
    fields = {
        "name": "Name",
        "line": "Line",
        "type": "Type",
        "value": "Value",
        "weight": "Weight",
        "mx": "MX",
        "ttl": "TTL",
        "updated_on": "UpdatedOn",
    }
    if field not in fields:
        raise CloudError("InvalidParameterValue", f"SortField {field!r}: known are {', '.join(fields)}.")
    return sorted(records, key=lambda record: str(record[fields[field]] or ""), reverse=direction == "DESC")
