"""The API over HTTP: who asks, for which product and action, and what is answered.

Requests come as a proxy gets them (an absolute URI) or directly; either way the Host header names
the product. Source: https://cloud.tencent.com/document/api/213/15692 (请求结构, 公共参数).
"""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from localcloud import wire
from localcloud.cloud import Cloud
from localcloud.errors import CloudError
from localcloud.services.api import Api
from localcloud.services.ba import Ba
from localcloud.services.base import Service
from localcloud.services.cam import Cam
from localcloud.services.cbs import Cbs
from localcloud.services.cos import Cos, is_cos
from localcloud.services.cvm import Cvm
from localcloud.services.dnspod import Dnspod
from localcloud.services.domain import Domain
from localcloud.services.lighthouse import Lighthouse
from localcloud.services.monitor import Monitor
from localcloud.services.ssl import Ssl
from localcloud.services.sts import Sts
from localcloud.services.tag import Tag
from localcloud.services.tat import Tat
from localcloud.services.vpc import Vpc
from localcloud.signature import SignedRequest, product_of, verify
from localcloud.store import Kind

SERVICES: Mapping[str, type[Service]] = {
    one.product: one for one in (Api, Ba, Cam, Cbs, Cvm, Dnspod, Domain, Lighthouse, Monitor, Ssl, Sts, Tag, Tat, Vpc)
}
BODY_LIMIT = 10 * 1024 * 1024
QUERY_LIMIT = 32 * 1024
HISTORY = frozenset({Kind.INVOCATION, Kind.INVOCATION_TASK})
"""Kinds that nobody can delete, at Tencent neither."""
MINISTRY = frozenset({Kind.FILING, Kind.FILING_REGIME, Kind.REGISTRATION})
"""Kinds that aren't the account's."""
SHORTENED = 120
"""Characters after which a value is cut in the audit log."""
SECRETS = ("password", "privatekey", "userdata", "content", "secret", "token", "output")
"""What a parameter's name contains whose value is not written into the audit log."""


@dataclass(frozen=True)
class _Call:
    product: str
    action: str
    version: str
    region: str
    parameters: Mapping[str, Any]


class AuditLog:
    """The audit log: a line of JSON about every call."""

    def __init__(self, path: Path) -> None:
        """Add to the file at `path`."""
        self._file = path.open("a", encoding="utf-8", buffering=1)

    def write(self, line: Mapping[str, Any]) -> None:
        """Add a line, with the time."""
        stamped = {"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), **line}
        self._file.write(json.dumps(stamped, ensure_ascii=False) + "\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class ApiServer:
    """Answers API requests."""

    def __init__(self, cloud: Cloud, cos: Cos, audit: AuditLog, log: logging.Logger) -> None:
        """Serve `cloud`, and `cos` at its hosts; write a line about every call to `audit`."""
        self._cloud = cloud
        self._cos = cos
        self._audit = audit
        self._log = log
        self._runner: web.ServerRunner | None = None

    async def start(self, port: int) -> None:
        """Listen on `port` of loopback; raise OSError where it is taken."""
        # aiohttp's router would take a proxy's absolute URI apart; a plain handler sees it all.
        runner = web.ServerRunner(web.Server(self._handle, access_log=None))
        await runner.setup()
        self._runner = runner
        await web.TCPSite(runner, "127.0.0.1", port).start()

    async def close(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if is_cos(request.headers.get("Host", "")):
            return await self._cos.handle(request)
        if request.path.startswith("/_localcloud/"):
            return self._state(request.path)
        started, request_id = time.perf_counter(), str(uuid.uuid4())
        call: _Call | None = None
        error: CloudError | None = None
        response: dict[str, Any] = {}
        try:
            body = await _body(request)
            headers = {name.lower(): value for name, value in request.headers.items()}
            query = request.raw_path.partition("?")[2]
            signed = SignedRequest(request.method, query, headers, body)
            verify(signed, self._cloud.account.secret_key_of, time.time())
            call = _read(signed)
            response = self._answer(call, request_id)
        except CloudError as refused:
            error = refused
        except Exception:
            self._log.exception("%s failed", call)
            error = CloudError("InternalError", f"The rehearsal cloud failed; its log has request {request_id}.")
        if error is not None:
            response = {"Error": {"Code": error.code, "Message": error.message}}
        response["RequestId"] = request_id
        self._write(request, call, error, time.perf_counter() - started)
        # Exactly this type, as the SDK compares it.
        return web.Response(
            body=json.dumps({"Response": response}, ensure_ascii=False).encode(),
            headers={"Content-Type": "application/json"},
        )

    def _answer(self, call: _Call, request_id: str) -> dict[str, Any]:
        service = _service(call)
        if service.regional:
            self._check_region(call)
        return service(self._cloud, call.region, request_id).call(call.action, call.parameters)

    def _check_region(self, call: _Call) -> None:
        if not call.region:
            raise CloudError("MissingParameter", "The request is missing a required parameter `Region`.")
        region = self._cloud.catalogue.regions.get(call.region)
        listing = call.action == "DescribeRegions"
        if region is None or (call.product == "lighthouse" and not (region.lighthouse or listing)):
            raise CloudError("UnsupportedRegion", f"{call.product} is not sold in the region {call.region}.")

    def _state(self, path: str) -> web.Response:
        if path.rstrip("/") != "/_localcloud/state":
            return web.json_response({"error": "ask for /_localcloud/state"}, status=404)
        counts = self._cloud.store.counts()
        return web.json_response(
            {
                "counts": {kind: n for kind, n in counts.items() if kind not in HISTORY | MINISTRY},
                "history": {kind: n for kind, n in counts.items() if kind in HISTORY},
                "instances": [
                    {
                        "id": one.identifier,
                        "region": one.region,
                        "state": one.document["InstanceState"],
                        "operation": one.document["LatestOperation"],
                        "operating": one.operating,
                        "address": one.public_address,
                    }
                    for one in self._cloud.fleet
                ],
                "filing": {
                    "enforced": self._cloud.filings.enforced,
                    "filings": [asdict(one) for one in self._cloud.filings.all()],
                },
            }
        )

    def _write(self, request: web.BaseRequest, call: _Call | None, error: CloudError | None, took: float) -> None:
        line = {
            "service": product_of(request.headers.get("Host", "")),
            "action": request.headers.get("X-TC-Action", ""),
            "region": request.headers.get("X-TC-Region", ""),
            "request": shortened(call.parameters) if call else None,
            "error": error.code if error else None,
            "message": error.message if error else None,
            "ms": round(took * 1000, 2),
        }
        self._audit.write(line)


def shortened(value: Any, name: str = "") -> Any:
    """Return parameters as the audit log may hold them: secrets and long texts left out."""
    if isinstance(value, Mapping):
        return {key: shortened(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [shortened(item, name) for item in value]
    if isinstance(value, str):
        if any(secret in name.lower() for secret in SECRETS):
            return f"<{len(value)} characters>"
        return value if len(value) <= SHORTENED else f"{value[:SHORTENED]}... ({len(value)})"
    return value


async def _body(request: web.BaseRequest) -> bytes:
    parts, size = [], 0
    async for chunk in request.content.iter_any():
        size += len(chunk)
        if size > BODY_LIMIT:
            raise CloudError("RequestSizeLimitExceeded", "A request has at most 10 MB.")
        parts.append(chunk)
    return b"".join(parts)


def _read(request: SignedRequest) -> _Call:
    headers = request.headers
    for name in ("Action", "Version"):
        if not headers.get(f"x-tc-{name.lower()}"):
            raise CloudError("MissingParameter", f"The request is missing a required parameter `{name}`.")
    call = _Call(
        product_of(headers.get("host", "")),
        headers["x-tc-action"],
        headers["x-tc-version"],
        headers.get("x-tc-region", ""),
        {},
    )
    service = _service(call)
    model = getattr(service.sdk, f"{call.action}Request")
    parameters = _from_query(request.query, model) if request.method == "GET" else _from_body(request)
    return _Call(call.product, call.action, call.version, call.region, parameters)


def _from_body(request: SignedRequest) -> Mapping[str, Any]:
    content_type = request.headers.get("content-type", "").partition(";")[0].strip()
    if request.method != "POST" or content_type != "application/json":
        raise CloudError(
            "UnsupportedProtocol",
            "With this signature send a POST of application/json, or a GET.",
        )
    try:
        parameters = json.loads(request.body or b"{}")
    except ValueError as error:
        raise CloudError("InvalidParameter", f"The request body is not JSON: {error}.") from None
    if not isinstance(parameters, dict):
        raise CloudError("InvalidParameter", "The request body is not a JSON object.")
    return parameters


def _from_query(query: str, model: type) -> Mapping[str, Any]:
    if len(query) > QUERY_LIMIT:
        raise CloudError("RequestSizeLimitExceeded", "A GET request has at most 32 KB.")
    tree: dict[str, Any] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        *path, last = name.split(".")
        node = tree
        for part in path:
            child = node.setdefault(part, {})
            if not isinstance(child, dict):
                raise CloudError("InvalidParameter", f"The parameter `{name}` is not well formed.")
            node = child
        node[last] = value
    return wire.typed(model, tree)


def _service(call: _Call) -> type[Service]:
    service = SERVICES.get(call.product)
    if service is None:
        raise CloudError(
            "NoSuchProduct",
            f"The rehearsal cloud has no product {call.product!r}; it has {', '.join(sorted(SERVICES))}.",
        )
    if call.version != service.version:
        raise CloudError(
            "NoSuchVersion",
            f"{call.product} has no version {call.version}; it has {service.version}.",
        )
    if call.action not in service.actions:
        if hasattr(service.sdk, f"{call.action}Request"):
            raise CloudError(
                "UnsupportedOperation",
                f"The rehearsal cloud does not do {call.product} {call.action}: Tencent Cloud has"
                " it, localcloud doesn't yet.",
            )
        raise CloudError("InvalidAction", f"{call.product} has no action {call.action}.")
    return service
