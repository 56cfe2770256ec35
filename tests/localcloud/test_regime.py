"""The filing regime, as a visitor meets it: real machines with nginx, behind the border of a real cloud."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import socket
import ssl
import string
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from localcloud.catalogue import Catalogue
from localcloud.cli import main
from localcloud.filing import Border, Filings, State, apex_of
from localcloud.machines.inspection import CODE, WEBBLOCK
from localcloud.store import Store
from tests.cloud import Cloud, running_cloud
from tests.localcloud import orders
from tests.localcloud.refusals import refused

NUMBER = "粤ICP备2026068982号-1"
SETUP = r"""
set -e
apt-get install -y nginx
openssl req -x509 -newkey rsa:2048 -nodes -keyout /root/k.pem -out /root/c.pem -subj /CN=site -days 3
cat > /root/digest.py <<'E'
import hashlib, http.server
class Digest(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = hashlib.sha256(self.rfile.read(int(self.headers["Content-Length"]))).hexdigest().encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.HTTPServer(("127.0.0.1", 9000), Digest).serve_forever()
E
setsid python3 /root/digest.py >/dev/null 2>&1 &
head -c 3000000 /dev/urandom > /var/www/html/large
cat > /etc/nginx/sites-enabled/default <<'E'
server {
    listen 80 default_server;
    listen 443 ssl default_server;
    ssl_certificate /root/c.pem;
    ssl_certificate_key /root/k.pem;
    client_max_body_size 20m;
    root /var/www/html;
    location = / { return 200 "served to $remote_addr"; }
    location /digest { proxy_pass http://127.0.0.1:9000; }
}
E
systemctl restart nginx
"""


@dataclass(frozen=True)
class Site:
    """A server with nginx on it, and a visitor's ways to it."""

    cloud: Cloud
    instance: str
    address: str

    def http(self, host: str | None, *, method: str = "GET", source: str = "127.0.0.1") -> tuple[int, str, str]:
        """Ask for / on port 80: status, Location, body."""
        connection = http.client.HTTPConnection(self.address, self.port("80"), timeout=10, source_address=(source, 0))
        try:
            connection.putrequest(method, "/", skip_host=True)
            if host is not None:
                connection.putheader("Host", host.encode())
            connection.endheaders()
            response = connection.getresponse()
            return response.status, response.getheader("Location", ""), response.read().decode()
        finally:
            connection.close()

    def https(self, name: str | None) -> str:
        """Ask for / on port 443 with that server name: the status line, or "cut" where the connection is reset."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            with (
                socket.create_connection((self.address, self.port("443")), timeout=10) as plain,
                context.wrap_socket(plain, server_hostname=name) as secure,
            ):
                secure.sendall(b"GET / HTTP/1.0\r\n\r\n")
                return secure.recv(4096).decode().partition("\r\n")[0]
        except ConnectionResetError:
            return "cut"

    def port(self, public: str) -> int:
        """The port that stands for a public one."""
        return self.cloud.endpoints.public_ports[public]

    def opens(self, host: str) -> bool:
        """Whether a name is served, on both ports alike."""
        opened = self.http(host)[0] == 200
        assert (self.https(host) != "cut") is opened
        return opened

    def logged(self) -> str:
        """What nginx has written about requests."""
        return self.cloud.run(self.instance, "cat /var/log/nginx/*.log")


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with running_cloud(tmp_path_factory.mktemp("regime")) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def served(cloud: Cloud) -> Iterator[Site]:
    with orders.lighthouse(cloud) as instance:
        cloud.run(instance, SETUP)
        site = Site(cloud, instance, orders.address(cloud, instance))
        cloud.until(lambda: site.http(site.address)[0] == 200)
        yield site


@pytest.fixture
def site(served: Site) -> Iterator[Site]:
    """A site under a ministry that has granted nothing, and is obeyed."""
    _filing(served.cloud, "enforce")
    yield served
    _filing(served.cloud, "relax")
    for one in _listed(served.cloud)["filings"]:
        _filing(served.cloud, "revoke", one["domain"])


def _filing(cloud: Cloud, command: str, *arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(main, ["filing", command, "--home", str(cloud.home), *arguments])
    assert result.exit_code == code, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.output


def _listed(cloud: Cloud) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(_filing(cloud, "list", "--json"))
    return shown


def _status(cloud: Cloud) -> str:
    return CliRunner().invoke(main, ["status", "--home", str(cloud.home)]).output


def test_nobody_asks_at_first(served: Site) -> None:
    assert served.opens("www.example.cn")
    assert "filing regime (备案) not enforced: every domain is served" in _status(served.cloud)
    assert "not enforced here" in _filing(served.cloud, "approve", "quiet.cn", "--icp", NUMBER)
    assert served.opens("www.example.cn")


def test_an_unfiled_name_is_answered_by_the_provider(site: Site) -> None:
    assert "filing regime (备案) enforced" in _status(site.cloud)
    before = site.logged()
    for host in ("www.example.cn", "example.cn", "WWW.Example.CN", "www.example.cn:80", "例子.cn", "no.such.example"):
        status, location, page = site.http(host)
        assert (status, location.partition("?")[0]) == (302, WEBBLOCK)
        assert "网站未备案" in page
        assert CODE in page
        assert host.removesuffix(":80") in page
    assert site.http("www.example.cn")[1] == f"{WEBBLOCK}?d=www.example.cn"
    assert site.http("www.example.cn", method="HEAD") == (302, f"{WEBBLOCK}?d=www.example.cn", "")
    assert site.logged() == before, "the server has seen a request"
    log = (site.cloud.home / "daemon.log").read_text("utf-8")
    assert f"{site.address}: intercepted: www.example.cn is not filed" in log


def test_a_connection_for_an_unfiled_name_is_cut(site: Site) -> None:
    before = site.logged()
    assert site.https("www.example.cn") == "cut"
    assert site.https("xn--fsqu00a.cn") == "cut"
    assert site.logged() == before


def test_what_names_no_domain_is_served(site: Site) -> None:
    assert site.http(site.address) == (200, "", "served to 127.0.1.1")
    for host in (f"{site.address}:80", "localhost", "[::1]", "com.cn"):
        assert site.http(host)[0] == 200, host
    for nobody in (None, ""):
        assert "nginx" in site.http(nobody)[2]  # it refuses HTTP/1.1 without a host itself
    assert site.https(None) == "HTTP/1.1 200 OK"
    assert site.https(site.address) == "HTTP/1.1 200 OK"


def test_a_filing_opens_the_domain_and_its_end_closes_it(site: Site) -> None:
    assert not site.opens("www.example.cn")
    assert _filing(site.cloud, "approve", "example.cn", "--icp", NUMBER) == f"example.cn is filed as {NUMBER}\n"
    assert site.opens("example.cn")
    assert site.opens("www.example.cn")
    assert site.opens("a.b.staging.example.cn")
    assert not site.opens("example.com.cn")
    assert not site.opens("notexample.cn")
    assert site.http("www.example.cn", source="127.45.67.89") == (200, "", "served to 127.45.67.89")
    assert {"domain": "example.cn", "icp": NUMBER, "state": "filed"} in _listed(site.cloud)["filings"]
    _filing(site.cloud, "revoke", "example.cn")
    assert not site.opens("www.example.cn")
    _filing(site.cloud, "approve", "example.cn", "--icp", NUMBER, "--elsewhere")
    assert not site.opens("www.example.cn")
    _filing(site.cloud, "approve", "example.cn", "--icp", NUMBER)
    assert site.opens("www.example.cn")
    _filing(site.cloud, "approve", "例子.cn", "--icp", NUMBER)
    assert site.opens("xn--fsqu00a.cn")
    assert f"  example.cn {NUMBER} filed\n" in _filing(site.cloud, "list")


def test_each_request_of_a_connection_is_judged(site: Site) -> None:
    _filing(site.cloud, "approve", "example.cn", "--icp", NUMBER)
    connection = http.client.HTTPConnection(site.address, site.port("80"), timeout=10)
    with contextlib.closing(connection):
        for host in ("example.cn", "www.example.cn"):
            connection.request("GET", "/", headers={"Host": host})
            response = connection.getresponse()
            assert (response.status, response.read()) == (200, b"served to 127.0.1.1")
        connection.request("GET", "/", headers={"Host": "other.cn"})
        response = connection.getresponse()
        assert (response.status, response.getheader("Location")) == (302, f"{WEBBLOCK}?d=other.cn")
        assert CODE in response.read().decode()


def test_a_filed_site_is_passed_byte_for_byte(site: Site) -> None:
    _filing(site.cloud, "approve", "example.cn", "--icp", NUMBER)
    trap = b"GET / HTTP/1.1\r\nHost: other.cn\r\n\r\n"
    body = trap * 1000 + os.urandom(5_000_000) + trap
    connection = http.client.HTTPConnection(site.address, site.port("80"), timeout=30)
    with contextlib.closing(connection):
        connection.request("POST", "/digest", body, {"Host": "example.cn"})
        assert connection.getresponse().read().decode() == hashlib.sha256(body).hexdigest()
        connection.request("GET", "/large", headers={"Host": "example.cn"})
        received = hashlib.sha256(connection.getresponse().read()).hexdigest()
    assert received == site.cloud.run(site.instance, "sha256sum /var/www/html/large").split()[0]


def test_a_request_in_pieces_whose_body_goes_on(site: Site) -> None:
    with socket.create_connection((site.address, site.port("80")), timeout=10) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"POST / HTTP/1.1\r\nHost: other.cn\r\nContent-Length: 4000000\r\n\r\n":
            connection.sendall(bytes([byte]))
        answer = connection.recv(100)
        assert answer.startswith(b"HTTP/1.1 302 OK\r\n")
        # The rest of the answer isn't lost to a reset although the body goes on.
        connection.sendall(b"x" * 1_000_000)
        while part := connection.recv(65536):
            answer += part
        assert answer.endswith(b"</html>\n")


@pytest.mark.parametrize("garbage", [b"\x16\x03\x01\x00\x05hello", b"\x00" * 40, b"GET /\r\n\r\n", b"\xff\xfe GET"])
def test_what_is_malformed_is_the_servers_business(site: Site, garbage: bytes) -> None:
    for public in ("80", "443"):
        with socket.create_connection((site.address, site.port(public)), timeout=10) as connection:
            connection.sendall(garbage)
            connection.shutdown(socket.SHUT_WR)
            with contextlib.suppress(ConnectionResetError):
                assert b" 302 " not in connection.recv(4096)
    assert site.http(site.address)[0] == 200


def test_a_restart_keeps_it(tmp_path: Path) -> None:
    with running_cloud(tmp_path / "cloud") as cloud, orders.lighthouse(cloud) as instance:
        cloud.run(instance, "apt-get install -y nginx")
        site = Site(cloud, instance, orders.address(cloud, instance))
        _filing(cloud, "enforce")
        _filing(cloud, "approve", "kept.cn", "--icp", NUMBER)
        cloud.stop()
        # What is granted while the cloud is down holds too.
        _filing(cloud, "approve", "later.cn", "--icp", NUMBER)
        cloud.start()
        cloud.run(instance, "systemctl start nginx")
        assert site.http("kept.cn")[0] == 200
        assert site.http("later.cn")[0] == 200
        assert site.http("other.cn")[0] == 302
        assert cloud.state()["filing"]["enforced"] is True
        assert cloud.counts().keys() & {"filing", "filing_regime"} == set()


def test_outside_the_mainland_nobody_asks(site: Site) -> None:
    cloud = site.cloud
    with orders.lighthouse(cloud, region="ap-hongkong") as instance:
        cloud.run(instance, "apt-get install -y nginx")
        found = cloud.call("lighthouse", "DescribeInstances", {"InstanceIds": [instance]}, region="ap-hongkong")
        abroad = Site(cloud, instance, found["InstanceSet"][0]["PublicAddresses"][0])
        assert abroad.http("other.cn")[0] == 200
        assert site.http("other.cn")[0] == 302


def test_the_api_tells_where_a_filing_stands(cloud: Cloud) -> None:
    def status(domain: str) -> tuple[bool, bool]:
        answer = cloud.call("ba", "DescribeDomainIcpStatus", {"Domain": domain}, region="")
        assert answer["AuditTicket"] is False
        assert answer["Ban"] is False
        return answer["GovStatus"], answer["LandedStatus"]

    assert status("asked.cn") == (False, False)
    _filing(cloud, "approve", "asked.cn", "--icp", NUMBER, "--elsewhere")
    assert status("www.asked.cn") == (True, False)
    _filing(cloud, "approve", "asked.cn", "--icp", NUMBER)
    assert status("asked.cn") == (True, True)
    _filing(cloud, "revoke", "asked.cn")
    assert status("asked.cn") == (False, False)


@pytest.mark.parametrize(
    ("action", "parameters", "code"),
    [
        ("DescribeDomainIcpStatus", {}, "MissingParameter"),
        ("DescribeDomainIcpStatus", {"Domain": ""}, "InvalidParameterValue"),
        ("DescribeDomainIcpStatus", {"Domain": "127.0.0.1"}, "InvalidParameterValue"),
        ("DescribeDomainIcpStatus", {"Domain": 1}, "InvalidParameter"),
        ("DescribeDomainIcpStatus", {"Domain": "x.cn", "Number": NUMBER}, "UnknownParameter"),
        ("DescribeDomainIcp", {"Domain": "x.cn"}, "InvalidAction"),
    ],
)
def test_what_the_api_refuses(cloud: Cloud, action: str, parameters: dict[str, Any], code: str) -> None:
    assert refused(cloud, "ba", action, parameters) == code


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("approve", "www.example.cn", "--icp", NUMBER), "give example.cn"),
        (("approve", "com.cn", "--icp", NUMBER), "no domain that can be filed"),
        (("approve", "127.0.0.1", "--icp", NUMBER), "no domain that can be filed"),
        (("approve", "", "--icp", NUMBER), "no domain that can be filed"),
        (("approve", "exa mple.cn", "--icp", NUMBER), "no domain that can be filed"),
        (("approve", "http://example.cn", "--icp", NUMBER), "no domain that can be filed"),
        (("approve", "example.cn", "--icp", "粤ICP备2026068982号"), "no service number"),
        (("approve", "example.cn", "--icp", "12345"), "no service number"),
        (("revoke", "never.cn"), "never filed here"),
    ],
)
def test_what_cant_be_filed(cloud: Cloud, command: tuple[str, ...], said: str) -> None:
    before = _listed(cloud)
    output = _filing(cloud, *command, code=1)
    assert said in output
    assert "Traceback" not in output
    assert _listed(cloud) == before


def test_no_cloud_no_ministry(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["filing", "list", "--home", str(tmp_path / "none")])
    assert result.exit_code == 1
    assert "there is no cloud at" in result.output


@pytest.mark.parametrize(
    ("host", "apex"),
    [
        ("example.cn", "example.cn"),
        ("A.B.Example.CN.", "example.cn"),
        ("www.example.com.cn", "example.com.cn"),
        ("例子.cn", "xn--fsqu00a.cn"),
        ("shop.例子.中国", "xn--fsqu00a.xn--fiqs8s"),
        ("_x.example.cn", "example.cn"),
        ("foo.github.io", "github.io"),
        ("com.cn", None),
        ("cn", None),
        ("localhost", None),
        ("", None),
        ("10.0.0.1", None),
        ("[2001:db8::1]", None),
        ("1.2.3.4.5", None),
    ],
)
def test_the_domain_that_is_filed(host: str, apex: str | None) -> None:
    assert apex_of(host) == apex


@given(st.text(max_size=80) | st.text(string.ascii_letters + ".-_例:[]", max_size=300))
def test_any_host_has_a_domain_or_none(host: str) -> None:
    apex = apex_of(host)
    assert apex is None or "." in apex


@pytest.fixture
def filings(tmp_path: Path) -> Iterator[Filings]:
    store = Store(tmp_path / "state.db")
    yield Filings(store)
    store.close()


def test_several_processes_share_it(filings: Filings, tmp_path: Path) -> None:
    other = Store(tmp_path / "state.db")
    with contextlib.closing(other):
        border = Border(Filings(other), Catalogue())
        assert border.judge("ap-guangzhou") is None
        filings.enforce(on=True)
        serves = border.judge("ap-guangzhou")
        assert serves is not None
        assert border.judge("ap-hongkong") is None
        assert not serves("example.cn")
        filings.approve("Example.CN", f" {NUMBER} ")
        assert serves("www.example.cn")
        found = Filings(other).of("www.example.cn")
        assert found is not None
        assert (found.domain, found.icp, found.state) == ("example.cn", NUMBER, State.FILED)
        filings.enforce(on=False)
        assert border.judge("ap-guangzhou") is None
