"""The process that is the rehearsal cloud: starting it, stopping it, finding it."""

from __future__ import annotations

import asyncio
import fcntl
import ipaddress
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import AsyncExitStack, closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from localcloud import ports
from localcloud.claims import Claims
from localcloud.errors import LocalcloudError

DEFAULT_PORT = 9140
DEFAULT_DNS_PORT = 9153
DEFAULT_ACME_PORT = 9144
DEFAULT_NETWORK = "127.8.0.0/16"
DEFAULT_CERTIFICATE_LIFETIME = timedelta(days=90)
START_SECONDS = 90.0
STOP_SECONDS = 60.0
_POLL = 0.05
_TAIL = 15


@dataclass(frozen=True)
class Options:
    """What can be chosen about a cloud; None means what it had last time, or else the default."""

    network: str | None = None
    port: int | None = None
    certificate_lifetime: timedelta | None = None


@dataclass(frozen=True)
class Endpoints:
    """Where a running cloud is reached; ports are on 127.0.0.1, the lifetime is in seconds."""

    pid: int
    started: str
    api_port: int
    dns_port: int
    acme_directory: str
    acme_ca: str
    network: str
    certificate_lifetime: int
    acme_port: int
    acme_management_port: int
    public_ports: dict[str, int]
    """Ports of the public addresses that stand for 80 and 443: others for an ordinary user."""

    @property
    def api(self) -> str:
        """The URL at which the API answers, directly or as a proxy."""
        return f"http://127.0.0.1:{self.api_port}"

    @property
    def cos(self) -> str:
        """COS in any region, before its buckets' names. Port 80 of a machine is its own server's: see services/cos."""
        return f"http://cos.myqcloud.com:{self.api_port}"

    @property
    def dns(self) -> str:
        """The first name server, as `address:port`."""
        return f"127.0.0.1:{self.dns_port}"


@dataclass(frozen=True)
class Status:
    """How a cloud is: `endpoints` where it runs; `crashed` where it ended without being stopped."""

    home: Path
    endpoints: Endpoints | None
    crashed: bool

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return self.endpoints is not None


def default_home() -> Path:
    """Return where the cloud is kept unless told otherwise."""
    if named := os.environ.get("LOCALCLOUD_HOME"):
        return Path(named)
    state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(state).expanduser() / "luodi" / "localcloud"


def status(home: Path) -> Status:
    """Look whether the cloud at `home` runs."""
    kept = _read_endpoints(home)
    if _locked(home):
        return Status(home, kept if kept is not None and (home / "ready").exists() else None, crashed=False)
    return Status(home, None, crashed=(home / "ready").exists())


def up(home: Path, options: Options | None = None) -> Endpoints:
    """Start the cloud at `home` in the background, unless it runs, and wait until it is ready.

    Raises LocalcloudError when it can't be started, or runs with other options.
    """
    options = options or Options()
    home = home.absolute()
    with _one_at_a_time(home):
        current = status(home).endpoints
        if current is not None:
            _check_same(current, options)
            return current
        process = _spawn(home, options)
        deadline = time.monotonic() + START_SECONDS
        while True:
            endpoints = status(home).endpoints
            if endpoints is not None and endpoints.pid == process.pid:
                return endpoints
            if process.poll() is not None:
                raise LocalcloudError(f"localcloud did not start:\n{_tail(home / 'daemon.log')}")
            if time.monotonic() > deadline:
                process.terminate()
                raise LocalcloudError(
                    f"localcloud was not ready after {START_SECONDS:.0f} seconds:\n{_tail(home / 'daemon.log')}"
                )
            time.sleep(_POLL)


def down(home: Path) -> bool:
    """Stop the cloud at `home`; return whether it ran. All that it holds is kept.

    Raises LocalcloudError when it doesn't stop.
    """
    home = home.absolute()
    if not _locked(home):
        (home / "ready").unlink(missing_ok=True)
        return False
    endpoints = _read_endpoints(home)
    pid = int((home / "lock").read_text() or "0") or (endpoints.pid if endpoints else 0)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while _locked(home):
        if time.monotonic() > deadline:
            raise LocalcloudError(
                f"localcloud (process {pid}) did not stop in {STOP_SECONDS:.0f} seconds; see"
                f" {home / 'daemon.log'}, or end it with: kill -9 {pid}"
            )
        time.sleep(_POLL)
    return True


def reset(home: Path) -> None:
    """Stop the cloud at `home` and delete everything that it holds."""
    down(home)
    if not home.exists():
        return
    from localcloud.machines import Machines

    # Machines know how to remove what their own processes made unreadable.
    machines = Machines(home, log=logging.getLogger("localcloud.machines"))
    asyncio.run(machines.restore([], set()))
    shutil.rmtree(home)


def limit_disk(home: Path, instance: str, size: int) -> None:
    """Let an instance's disk hold `size` bytes from the next start on, so that it can be full.

    Raises LocalcloudError for an instance that isn't there, and while the cloud runs.
    """
    from localcloud.fleet import INSTANCES
    from localcloud.store import Store

    if _locked(home):
        raise LocalcloudError("localcloud is running: a disk is resized while it is down.")
    store = Store(home / "state.db")
    try:
        for kind in INSTANCES:
            document = store.get(kind, instance)
            if document is not None:
                store.put(kind, instance, {**document, "_DiskBytes": size})
                return
    finally:
        store.close()
    raise LocalcloudError(f"there is no instance {instance}.")


def state(endpoints: Endpoints) -> dict[str, Any]:
    """Return the cloud's own account of what it holds: `counts`, `history`, `instances`."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{endpoints.api}/_localcloud/state", timeout=10) as response:
        document: dict[str, Any] = json.load(response)
    return document


def run(home: Path, options: Options | None = None) -> None:
    """Be the cloud at `home`, in this process, until SIGTERM or SIGINT.

    Raises LocalcloudError when it can't be started.
    """
    home = home.absolute()
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (home / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise LocalcloudError(f"localcloud runs already at {home}.") from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        (home / "ready").unlink(missing_ok=True)
        try:
            with closing(Claims()) as claims:
                asyncio.run(_serve(home, _settle(home, options or Options(), claims), claims))
        except OSError as error:
            raise LocalcloudError(f"localcloud can't start: {error}") from error
        (home / "ready").unlink(missing_ok=True)


@dataclass(frozen=True)
class _Settled:
    """Every choice made."""

    network: ipaddress.IPv4Network
    certificate_lifetime: timedelta
    api_port: int
    dns_port: int
    acme_port: int
    acme_management_port: int


def _settle(home: Path, options: Options, claims: Claims) -> _Settled:
    from localcloud.dns import PLACES

    last = _read_endpoints(home)
    lifetime = options.certificate_lifetime
    if lifetime is None:
        lifetime = timedelta(seconds=last.certificate_lifetime) if last else DEFAULT_CERTIFICATE_LIFETIME
    if options.port is None:
        api = ports.take(claims, last.api_port if last else DEFAULT_PORT)
    else:
        api = options.port
        claims.take(f"port {api}")  # whoever has it: listening there will tell
    acme = ports.take(claims, last.acme_port if last else DEFAULT_ACME_PORT)
    return _Settled(
        network=parse_network(options.network or (last.network if last else DEFAULT_NETWORK)),
        certificate_lifetime=lifetime,
        api_port=api,
        dns_port=ports.take(claims, last.dns_port if last else DEFAULT_DNS_PORT, PLACES),
        acme_port=acme,
        acme_management_port=ports.take(claims, last.acme_management_port if last else acme + 1),
    )


def parse_network(text: str) -> ipaddress.IPv4Network:
    """Return the network of the public addresses; raise LocalcloudError where it can't be one."""
    try:
        network = ipaddress.IPv4Network(text)
    except ValueError as error:
        raise LocalcloudError(f"--network {text}: {error}. Give one such as {DEFAULT_NETWORK}.") from None
    if not network.is_loopback or network.overlaps(ipaddress.IPv4Network("127.0.0.0/24")) or network.prefixlen > 29:
        raise LocalcloudError(
            f"--network {text}: give a part of 127.0.0.0/8 outside 127.0.0.0/24, of 8 addresses or more, such as"
            f" {DEFAULT_NETWORK}."
        )
    return network


async def _serve(home: Path, settled: _Settled, claims: Claims) -> None:
    from localcloud.account import Account
    from localcloud.addresses import PublicAddresses
    from localcloud.authority import Authority, AuthorityOptions
    from localcloud.automation import Automation
    from localcloud.catalogue import Catalogue
    from localcloud.cloud import Cloud
    from localcloud.dns import DnsServer
    from localcloud.engine import find_pebble
    from localcloud.filing import Border, Filings
    from localcloud.fleet import Fleet
    from localcloud.intranet import Intranet
    from localcloud.issuer import Issuer
    from localcloud.machines import Machines
    from localcloud.server import ApiServer, AuditLog
    from localcloud.services.cos import Cos
    from localcloud.store import Store
    from localcloud.tags import Tags

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    log = logging.getLogger("localcloud")
    async with AsyncExitStack() as stack:
        store = Store(home / "state.db")
        stack.callback(store.close)
        tags, addresses = Tags(store), PublicAddresses(store, settled.network, claims)
        catalogue, filings = Catalogue(), Filings(store)
        account = Account.of(home / "account.json")
        audit = AuditLog(home / "api.log")
        stack.callback(audit.close)
        cos = Cos(account, store, catalogue, home / "cos", audit.write, log.getChild("cos"))
        intranet = Intranet(cos, settled.api_port)
        machines = Machines(home, intranet=intranet, log=log.getChild("machines"))
        border = Border(filings, catalogue)
        fleet = Fleet(store, machines, tags, addresses, border, log.getChild("fleet"))
        automation = Automation(store, fleet, log.getChild("automation"))
        dns = DnsServer(store, _dns_log(home / "dns.log"))
        options = AuthorityOptions(
            port=settled.acme_port,
            management_port=settled.acme_management_port,
            dns=f"127.0.0.1:{settled.dns_port}",
            certificate_lifetime=settled.certificate_lifetime,
        )
        authority = Authority(home / "acme", find_pebble(), options, log.getChild("authority"))
        issuer = Issuer(home / "acme", authority.roots)
        issuer.prepare()
        cloud = Cloud(account, store, catalogue, tags, addresses, fleet, automation, filings, issuer)
        api = ApiServer(cloud, cos, audit, log.getChild("api"))
        # What is closed last is opened first: requests end before what they work on does.
        stack.push_async_callback(intranet.close)
        await intranet.start()
        stack.push_async_callback(fleet.close)
        stack.push_async_callback(automation.close)
        stack.push_async_callback(dns.close)
        await dns.start(settled.dns_port)
        stack.push_async_callback(authority.close)
        await asyncio.gather(fleet.restore(), authority.start(home / "pebble.log"))
        automation.resume()
        stack.push_async_callback(api.close)
        await api.start(settled.api_port)
        endpoints = Endpoints(
            pid=os.getpid(),
            started=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            api_port=settled.api_port,
            dns_port=settled.dns_port,
            acme_directory=authority.directory,
            acme_ca=str(authority.bundle),
            network=str(settled.network),
            certificate_lifetime=int(settled.certificate_lifetime.total_seconds()),
            acme_port=settled.acme_port,
            acme_management_port=settled.acme_management_port,
            public_ports={str(port): bound for port, bound in machines.ports().items()},
        )
        _write_endpoints(home, endpoints)
        (home / "ready").touch()
        log.info("ready: API %s, DNS %s, ACME %s", endpoints.api, endpoints.dns, endpoints.acme_directory)
        await stop.wait()
        log.info("stopping")


def _dns_log(path: Path) -> logging.Logger:
    log = logging.getLogger("localcloud.dns")
    log.propagate = False
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    log.handlers = [handler]
    log.setLevel(logging.INFO)
    return log


def _spawn(home: Path, options: Options) -> subprocess.Popen[bytes]:
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    command = [sys.executable, "-m", "localcloud", "up", "--foreground", "--home", str(home)]
    if options.network is not None:
        command += ["--network", options.network]
    if options.port is not None:
        command += ["--port", str(options.port)]
    if options.certificate_lifetime is not None:
        command += ["--certificate-lifetime", f"{int(options.certificate_lifetime.total_seconds())}s"]
    package = str(Path(__file__).resolve().parent.parent)
    path = os.pathsep.join(part for part in (package, os.environ.get("PYTHONPATH")) if part)
    with (home / "daemon.log").open("wb") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=home,
            env={**os.environ, "PYTHONPATH": path},
        )


def _check_same(current: Endpoints, options: Options) -> None:
    wanted: dict[str, tuple[object, object]] = {}
    if options.network is not None:
        wanted["--network"] = (str(parse_network(options.network)), current.network)
    if options.port is not None:
        wanted["--port"] = (options.port, current.api_port)
    if options.certificate_lifetime is not None:
        seconds = int(options.certificate_lifetime.total_seconds())
        wanted["--certificate-lifetime"] = (f"{seconds}s", f"{current.certificate_lifetime}s")
    for name, (asked, has) in wanted.items():
        if asked != has:
            raise LocalcloudError(
                f"localcloud runs already, with {name} {has}. To change it to {asked}:"
                " `python -m localcloud down`, then `up` again."
            )


@contextmanager
def _one_at_a_time(home: Path) -> Iterator[None]:
    """Let two `up` at once start one cloud: the second waits and then finds it running."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (home / "starting").open("a") as gate:
        fcntl.flock(gate, fcntl.LOCK_EX)
        yield


def _locked(home: Path) -> bool:
    """Whether a live process is the cloud at `home`."""
    try:
        lock = (home / "lock").open("r")
    except FileNotFoundError:
        return False
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def _read_endpoints(home: Path) -> Endpoints | None:
    try:
        return Endpoints(**json.loads((home / "endpoints.json").read_text("utf-8")))
    except (FileNotFoundError, TypeError, ValueError):
        return None


def _write_endpoints(home: Path, endpoints: Endpoints) -> None:
    partial = home / "endpoints.json.partial"
    partial.write_text(json.dumps(asdict(endpoints), indent=2) + "\n", "utf-8")
    partial.replace(home / "endpoints.json")


def _tail(path: Path) -> str:
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return ""
    return "\n".join(lines[-_TAIL:])
