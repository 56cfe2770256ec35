"""Keys, signing requests and certificates on a server: the real scripts with the real openssl and nginx."""

from __future__ import annotations

import base64
import datetime as dt
import shlex
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import NameOID

from luodi.certificate.installation import Installation, Installed, KeyMissing, Origin, Request, generation, paths
from luodi.delivery.scripts import KEPT_CERTIFICATES, Scripts
from luodi.delivery.sealing import seal
from luodi.delivery.tat import CommandFailed, Shell
from tests.parts import fake_tat, machine
from tests.parts.machine import Machine
from tests.unit.fake_account import FakeAccount
from tests.unit.given_certificates import bought

SCRIPTS = Scripts(Path(__file__).parents[2] / "templates")
SITE = "example.cn"
TLS = f"/etc/luodi/tls/{SITE}"
NAMES = ["example.cn", "www.example.cn", "xn--fsqu00a.xn--fiqs8s"]
ORIGIN = Origin("https://acme.example/directory", "shortlived")
OTHER = "user root; pid /run/other.pid; error_log /dev/null; events {} http { server { listen 8099; } }"
TAKE = f"echo '{OTHER}' > /tmp/other.conf; nginx -c /tmp/other.conf"
AUTHORITY_KEY = ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Machine]:
    with machine.running(tmp_path) as running:
        yield running


@pytest.fixture
def account(server: Machine) -> FakeAccount:
    return FakeAccount(answers=fake_tat.answers(server))


@pytest.fixture
def installation(account: FakeAccount) -> Installation:
    return Installation(Shell(account, "ins-1"), SCRIPTS, SITE)


def issued(request: Request) -> str:
    """A certificate for a CSR, and the one above it."""
    csr = x509.load_pem_x509_csr(request.csr.encode())
    now = dt.datetime.now(dt.UTC)
    authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an authority")])

    def signed(subject: x509.Name, key: CertificatePublicKeyTypes) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(authority)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(hours=1))
            .not_valid_after(now + dt.timedelta(days=90))
        )

    names = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    leaf = signed(csr.subject, csr.public_key()).add_extension(names.value, critical=False)
    above = signed(authority, AUTHORITY_KEY.public_key())
    both = (builder.sign(AUTHORITY_KEY, hashes.SHA256()) for builder in (leaf, above))
    return "".join(one.public_bytes(serialization.Encoding.PEM).decode() for one in both)


def obtained(installation: Installation, *kinds: str, pin: bool = False) -> dict[str, str]:
    requests = installation.requests(kinds or ("ecdsa",), NAMES, pin=pin)
    return {kind.partition("-")[0]: issued(request) for kind, request in requests.items()}


def fingerprint(chain: str) -> str:
    return x509.load_pem_x509_certificates(chain.encode())[0].fingerprint(hashes.SHA256()).hex()


def public(request: Request) -> object:
    return x509.load_pem_x509_csr(request.csr.encode()).public_key()


def serving(server: Machine, *kinds: str) -> None:
    """Let nginx serve the site with its certificates of these kinds."""
    certificates = "".join(
        f"ssl_certificate {chain}; ssl_certificate_key {key};" for chain, key in (paths(SITE, kind) for kind in kinds)
    )
    listen = "443 ssl" if kinds else "80"
    configuration = f"""
user root; pid /run/nginx.pid; error_log /var/log/nginx/error.log; events {{}}
http {{ access_log off; server {{ listen {listen}; server_name {SITE}; {certificates} return 200 hello; }} }}
"""
    server.says(
        "mkdir -p /opt/luodi/releases/r/nginx; ln -sfn /opt/luodi/releases/r /opt/luodi/current; "
        f"printf %s {shlex.quote(configuration)} > /opt/luodi/releases/r/nginx/nginx.conf; "
        "ln -sfn /opt/luodi/current/nginx/nginx.conf /etc/nginx/nginx.conf; "
        "if [[ -e /run/nginx.pid ]]; then nginx -s reload; else nginx; fi"
    )


def served(server: Machine, kind: str = "ecdsa") -> str:
    """The fingerprint of what a client that takes this kind alone is shown."""
    algorithms = {"ecdsa": "ECDSA+SHA256", "rsa": "RSA-PSS+SHA256"}[kind]
    client = f"openssl s_client -connect 127.0.0.1:443 -servername {SITE} -sigalgs {algorithms} < /dev/null 2>/dev/null"
    return server.says(f"{client} | openssl x509 -noout -fingerprint -sha256 | cut -d= -f2 | tr -d : | tr A-F a-f")


def serves(server: Machine, chains: Mapping[str, str]) -> bool:
    """Whether it comes to serve them: a worker of the configuration before may take one more handshake."""
    until = time.monotonic() + 10
    while any(served(server, kind) != fingerprint(chain) for kind, chain in chains.items()):
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def generations(server: Machine) -> list[str]:
    return sorted(server.says(f"ls --almost-all {TLS}").split())


# --- keys and signing requests -----------------------------------------------------------------------


def test_a_csr_has_every_name_and_its_key_stays_on_the_server(
    server: Machine, account: FakeAccount, installation: Installation
) -> None:
    request = installation.requests(["ecdsa"], NAMES, pin=False)["ecdsa"]
    csr = x509.load_pem_x509_csr(request.csr.encode())
    assert csr.is_signature_valid
    assert list(csr.subject) == []
    listed = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert listed.get_values_for_type(x509.DNSName) == NAMES
    key = csr.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert isinstance(key.curve, ec.SECP256R1)
    assert request.order is None
    modes = server.says(f"stat --format=%a /etc/luodi/tls/{SITE} {TLS}/pending {TLS}/pending/ecdsa.key")
    assert modes.split() == ["700", "700", "600"]
    assert "PRIVATE KEY" not in str([result for _, result in account.calls])


@pytest.mark.parametrize("bits", [2048, 4096])
def test_an_rsa_key_beside(installation: Installation, bits: int) -> None:
    requests = installation.requests(["ecdsa", f"rsa-{bits}"], NAMES, pin=False)
    assert list(requests) == ["ecdsa", f"rsa-{bits}"]
    key = public(requests[f"rsa-{bits}"])
    assert isinstance(key, rsa.RSAPublicKey)
    assert key.key_size == bits


def test_a_hundred_names_fit_what_tat_gives_back(installation: Installation) -> None:
    names = [f"{'n' * 40}{number}.example.cn" for number in range(100)]
    requests = installation.requests(["ecdsa", "rsa-2048"], names, pin=False)
    assert sum(len(request.csr) for request in requests.values()) < 24 * 1024


def test_an_interrupted_run_is_taken_up_with_the_same_key_and_order(installation: Installation) -> None:
    first = installation.requests(["ecdsa"], NAMES, pin=False)["ecdsa"]
    installation.keep_order("ecdsa", '{"order": "https://acme.example/it\'s/1"}')
    again = installation.requests(["ecdsa"], NAMES, pin=False)["ecdsa"]
    assert again == Request(first.csr, '{"order": "https://acme.example/it\'s/1"}')
    installation.keep_order("ecdsa", "")
    assert installation.requests(["ecdsa"], NAMES, pin=False)["ecdsa"] == first
    installation.keep_order("ecdsa", "of other names")
    other = installation.requests(["ecdsa"], NAMES[:1], pin=False)["ecdsa"]
    assert other.order is None
    assert public(other) == public(first)


def test_each_certificate_gets_a_new_key_unless_it_is_pinned(installation: Installation) -> None:
    first = installation.requests(["ecdsa", "rsa-2048"], NAMES, pin=False)
    installation.install({kind.partition("-")[0]: issued(request) for kind, request in first.items()}, ORIGIN)
    pinned = installation.requests(["ecdsa", "rsa-2048"], NAMES, pin=True)
    assert [public(one) for one in pinned.values()] == [public(one) for one in first.values()]
    assert public(installation.requests(["rsa-4096"], NAMES, pin=True)["rsa-4096"]) != public(first["rsa-2048"])
    installation.install({kind.partition("-")[0]: issued(request) for kind, request in pinned.items()}, ORIGIN)
    fresh = installation.requests(["ecdsa"], NAMES, pin=False)
    assert public(fresh["ecdsa"]) != public(first["ecdsa"])


def test_what_openssl_refuses_is_told(installation: Installation) -> None:
    with pytest.raises(CommandFailed, match=r"openssl could not make a key \(rsa-9\)"):
        installation.requests(["rsa-9"], NAMES, pin=False)


# --- installing --------------------------------------------------------------------------------------


def test_a_first_certificate_is_there_before_anything_serves_it(server: Machine, installation: Installation) -> None:
    assert installation.installed() == Installed()
    chains = obtained(installation, "ecdsa", "rsa-2048")
    installation.install(chains, ORIGIN)
    assert generations(server) == sorted([generation(chains), "current"])
    prints = {kind: fingerprint(chain) for kind, chain in chains.items()}
    assert installation.installed() == Installed(prints, chains, ORIGIN)
    serving(server, "ecdsa", "rsa")
    assert serves(server, chains)


def test_a_renewal_is_served_when_it_is_done(server: Machine, installation: Installation) -> None:
    installation.install(obtained(installation), ORIGIN)
    serving(server, "ecdsa")
    process = server.says("cat /run/nginx.pid")
    made = []
    for _ in range(KEPT_CERTIFICATES + 1):
        made.append(obtained(installation))
        installation.install(made[-1], ORIGIN)
        assert serves(server, made[-1])
    assert server.says("cat /run/nginx.pid") == process, "reloaded, not restarted"
    assert generations(server) == sorted(["current", *map(generation, made[-KEPT_CERTIFICATES:])])


def test_both_kinds_are_looked_at(server: Machine, installation: Installation) -> None:
    installation.install(obtained(installation, "ecdsa", "rsa-2048"), ORIGIN)
    serving(server, "ecdsa", "rsa")
    chains = obtained(installation, "ecdsa", "rsa-2048")
    installation.install(chains, ORIGIN)
    assert serves(server, chains)


def test_a_kind_that_the_release_does_not_know_yet_and_one_that_it_still_refers_to(
    server: Machine, installation: Installation
) -> None:
    first = obtained(installation, "ecdsa")
    installation.install(first, ORIGIN)
    serving(server, "ecdsa")
    both = obtained(installation, "ecdsa", "rsa-2048")
    installation.install(both, ORIGIN)
    assert serves(server, {"ecdsa": both["ecdsa"]})
    serving(server, "ecdsa", "rsa")
    assert serves(server, both)
    one = obtained(installation, "rsa-2048")
    installation.install(one, ORIGIN)
    assert installation.installed().chains == {"ecdsa": both["ecdsa"], "rsa": one["rsa"]}
    assert serves(server, {"ecdsa": both["ecdsa"], "rsa": one["rsa"]})
    serving(server, "rsa")
    last = obtained(installation, "rsa-2048")
    installation.install(last, ORIGIN)
    assert installation.installed().chains == last


def test_what_is_being_switched_is_not_taken_for_installed(server: Machine, installation: Installation) -> None:
    chains = obtained(installation)
    installation.install(chains, ORIGIN)
    gone = f"mv {TLS}/current {TLS}/away; sleep 0.5; mv {TLS}/away {TLS}/current"
    server.says(f"(flock 9; touch /tmp/held; {gone}) 9>/run/luodi-release.lock & until [[ -e /tmp/held ]]; do :; done")
    assert installation.installed().chains == chains


def test_a_certificate_whose_key_is_not_there(server: Machine, installation: Installation) -> None:
    before = obtained(installation)
    installation.install(before, ORIGIN)
    stranger = ec.generate_private_key(ec.SECP256R1())
    csr = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([]))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(SITE)]), critical=False)
        .sign(stranger, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    with pytest.raises(KeyMissing):
        installation.install({"ecdsa": issued(Request(csr.decode(), None))}, ORIGIN)
    assert generations(server) == sorted([generation(before), "current"])


def test_a_certificate_that_nginx_refuses(server: Machine, installation: Installation) -> None:
    before = obtained(installation)
    installation.install(before, ORIGIN)
    serving(server, "ecdsa")
    server.says("echo 'listenn 80;' >> /opt/luodi/current/nginx/nginx.conf")
    after = obtained(installation)
    with pytest.raises(CommandFailed) as caught:
        installation.install(after, ORIGIN)
    assert 'unknown directive "listenn"' in str(caught.value)
    assert "nginx refuses the new certificate of example.cn." in str(caught.value)
    assert installation.installed().chains == before
    assert serves(server, before)
    assert generations(server) == sorted([generation(before), "current", "pending"])
    server.says("sed -i '$d' /opt/luodi/current/nginx/nginx.conf")
    installation.install(after, ORIGIN)
    assert serves(server, after)


def test_a_reload_that_does_not_take(server: Machine, installation: Installation) -> None:
    """nginx -t is content, the reload exits 0, and nginx keeps its old configuration: the port is somebody's."""
    before = obtained(installation)
    installation.install(before, ORIGIN)
    serving(server, "ecdsa")
    server.says(TAKE)
    server.says("sed -i 's/access_log off;/server { listen 8099; }/' /opt/luodi/current/nginx/nginx.conf")
    after = obtained(installation)
    script = SCRIPTS.install_certificate(SITE, generation(after), after, str(ORIGIN))
    ran = server.run(script.replace("settled 20", "settled 2").replace("settled 10", "settled 2"))
    assert ran.code == 1
    assert "nginx does not serve the new certificate of example.cn after the reload." in ran.output
    assert "bind() to 0.0.0.0:8099 failed" in ran.output
    assert ran.output.endswith("The last certificate is in its place again.\n")
    assert installation.installed().chains == before
    assert serves(server, before)


def test_a_reload_that_fails(server: Machine, installation: Installation) -> None:
    before = obtained(installation)
    installation.install(before, ORIGIN)
    serving(server, "ecdsa")
    server.says("touch /run/reload-fails")
    with pytest.raises(CommandFailed, match="the journal of nginx\nThe last certificate is switched on again, but not"):
        installation.install(obtained(installation), ORIGIN)
    assert installation.installed().chains == before


def test_a_first_certificate_that_nginx_refuses_leaves_none(server: Machine, installation: Installation) -> None:
    serving(server)
    server.says(f"echo '# {TLS}/current/ecdsa.pem' >> /opt/luodi/current/nginx/nginx.conf")
    server.says("echo 'listenn 80;' >> /opt/luodi/current/nginx/nginx.conf")
    with pytest.raises(CommandFailed, match="There is no earlier certificate to go back to"):
        installation.install(obtained(installation), ORIGIN)
    assert generations(server) == ["pending"]


def test_installing_again_mends_what_was_changed_by_hand(server: Machine, installation: Installation) -> None:
    chains = obtained(installation)
    installation.install(chains, ORIGIN)
    serving(server, "ecdsa")
    server.says(f"echo broken > {TLS}/current/ecdsa.pem; ln -sfn nowhere {TLS}/elsewhere; touch {TLS}/.x.new")
    assert installation.installed() == Installed()
    installation.install(chains, ORIGIN)
    assert installation.installed().chains == chains
    server.says(f"ln -sfn nowhere {TLS}/current")
    assert installation.installed() == Installed()
    installation.install(chains, ORIGIN)
    assert serves(server, chains)


def test_a_key_that_is_not_the_certificate_s_is_no_certificate(server: Machine, installation: Installation) -> None:
    installation.install(obtained(installation), ORIGIN)
    server.says(f"openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 > {TLS}/current/ecdsa.key")
    assert installation.installed() == Installed()


def test_two_installations_at_once(server: Machine, installation: Installation) -> None:
    installation.install(obtained(installation), ORIGIN)
    serving(server, "ecdsa")
    both = [obtained(installation, pin=True) for _ in range(2)]
    scripts = [SCRIPTS.install_certificate(SITE, generation(chains), chains, str(ORIGIN)) for chains in both]
    jobs = " & ".join(f"bash -c {shlex.quote(script)} > /tmp/{n} 2>&1" for n, script in enumerate(scripts))
    server.says(f"{jobs} & wait")
    assert server.says("cat /tmp/0 /tmp/1").splitlines() == ["The certificate of example.cn is installed."] * 2
    current = server.says(f"readlink {TLS}/current")
    assert serves(server, next(one for one in both if generation(one) == current))


# --- removing ----------------------------------------------------------------------------------------


def test_a_certificate_is_removed_once_nothing_serves_it(server: Machine, installation: Installation) -> None:
    installation.install(obtained(installation), ORIGIN)
    serving(server, "ecdsa")
    assert server.run(SCRIPTS.remove_certificate(SITE)).code == 0
    assert installation.installed() != Installed()
    serving(server)
    assert server.run(SCRIPTS.remove_certificate(SITE)).code == 0
    assert server.says("ls /etc/luodi/tls") == ""


# --- keys from elsewhere ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ecdsa", "rsa"])
def test_a_key_from_elsewhere_arrives_unread(
    server: Machine, account: FakeAccount, installation: Installation, kind: str
) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=4096) if kind == "rsa" else None
    made = bought(key=key)
    installation.receive(kind, made.key)
    installation.install({kind: made.chain}, Origin(""))
    assert server.says(f"cat {TLS}/current/{kind}.key") == made.key.strip()
    assert server.says(f"stat --format=%a {TLS}/current/{kind}.key") == "600"
    assert generations(server) == sorted([generation({kind: made.chain}), "current"])
    serving(server, kind)
    assert serves(server, {kind: made.chain})
    sent = "".join(base64.b64decode(request["Content"]).decode() for request in account.asked("RunCommand"))
    assert not [line for line in made.key.splitlines() if line in sent]


def test_a_key_that_was_sealed_for_somebody_else_is_told(server: Machine, installation: Installation) -> None:
    installation.receive("ecdsa", bought().key)
    server.says(SCRIPTS.transport_key("other.cn"))
    stranger = server.says(SCRIPTS.transport_key(SITE))
    server.says(SCRIPTS.transport_key(SITE))
    ran = server.run(SCRIPTS.receive_key(SITE, "ecdsa", seal("a key", stranger)))
    assert ran.code == 1
    assert ran.output.endswith("The sealed key could not be opened.\n")
    assert server.says(f"ls {TLS}/pending") == "ecdsa.key"
