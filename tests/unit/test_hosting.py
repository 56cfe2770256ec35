"""What a stack file says of a site, as what nginx is given."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luodi import hosting
from luodi.problems import SettingsError
from luodi.rendering import CertificateFiles, Footer, MiniProgram, Php, Proxy, Renderer, Spa, Static, VirtualHost
from luodi.settings import HostedSite, Settings

TODAY = date(2026, 11, 21)
CERTIFICATE = (CertificateFiles("/etc/luodi/tls/example.cn/current/ecdsa.pem", "/etc/luodi/tls/a/current/ecdsa.key"),)
SERVER = {"kind": "cvm"}
HASH = "$6$saltsalt$" + "x" * 86


def settings(site: dict[str, Any], **more: Any) -> Settings:
    values = {
        "tencentcloud:region": "ap-guangzhou",
        "luodi:server": SERVER,
        "luodi:site": {"domain": "example.cn", "title": "示例科技", **site},
    }
    return Settings.parse(values | {f"luodi:{name}": value for name, value in more.items()}, today=TODAY)


def problems(site: dict[str, Any], **more: Any) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        settings(site, **more)
    return [str(problem) for problem in caught.value.problems]


def host(site: HostedSite, *, public: bool = True, today: date = TODAY) -> VirtualHost:
    return hosting.virtual_host(site, footer=Footer(), certificates=CERTIFICATE, public=public, today=today)


def of(**site: Any) -> VirtualHost:
    return host(settings(site).main)


# --- kinds ---------------------------------------------------------------------------------------


def test_a_site_is_files_where_no_kind_is_said() -> None:
    assert of().kind == Static(has_content=False)
    assert of(content="public", immutable=["/fonts/"]).kind == Static(True, ("/fonts/",))
    assert of(kind="spa", build={"command": "npm run build", "output": "dist"}).kind == Spa(True)


def test_an_application_that_is_started_otherwise() -> None:
    kind = of(kind="proxy", upstream="127.0.0.1:3000", health="/health", body="1g", timeouts={"read": 5}).kind
    assert isinstance(kind, Proxy)
    assert (kind.upstream.servers, kind.upstream.file) == (("127.0.0.1:3000",), None)
    assert (kind.health, kind.body, kind.timeouts.read, kind.timeouts.connect) == ("/health", "1g", 5, 5)


APP = {"content": "server", "command": ["node", "server.js"], "health": "/ready"}


def test_an_application_that_luodi_runs() -> None:
    site = settings(
        {"kind": "proxy", "app": APP, "paths": [{"path": "/api/", "kind": "proxy", "app": APP}, {"path": "/docs/"}]}
    ).main
    kind = host(site).kind
    assert isinstance(kind, Proxy)
    assert (kind.upstream.file, kind.health) == ("nginx/upstreams/example.cn.conf", "/ready")
    main, api = hosting.applications(site)
    assert (main.name, main.path, main.content) == ("example.cn", "/", "sites/example.cn/app")
    assert api.path == "/api/"
    assert api.name != main.name
    upstream = host(site).paths[0].kind
    assert isinstance(upstream, Proxy)
    assert upstream.upstream.file == f"nginx/upstreams/{api.name}.conf"
    assert {at: source.folder for at, source in hosting.contents(site).items()} == {
        main.content: "server",
        api.content: "server",
    }


def test_files_under_a_path_lie_there() -> None:
    site = settings({"content": "public", "paths": [{"path": "/docs/", "content": "book"}]}).main
    assert {at: source.folder for at, source in hosting.contents(site).items()} == {
        "sites/example.cn/html": "public",
        "sites/example.cn/html/docs": "book",
    }


def test_php() -> None:
    site = settings({"kind": "php", "content": "wordpress", "php": {"shared": ["var/files"], "upload": 8}}).main
    kind = host(site).kind
    [application] = hosting.applications(site)
    assert isinstance(kind, Php)
    assert kind.socket == f"unix:{application.socket}"
    assert kind.uploads == ("/wp-content/uploads/", "/var/files/")
    assert kind.body == "8m"
    assert hosting.contents(site)[application.content].folder == "wordpress"


def test_a_mini_program_s_domains_as_its_consoles_want_them() -> None:
    site = settings(
        {
            "kind": "mini-program",
            "upstream": "127.0.0.1:3000",
            "names": ["ws.example.cn"],
            "socket": {"host": "ws.example.cn"},
            "platforms": ["wechat", "alipay"],
        }
    ).main
    kind = host(site).kind
    assert isinstance(kind, MiniProgram)
    assert (kind.socket.path, kind.upload.path) == ("/", "/upload/")
    assert hosting.console_domains(site) == {
        "wechat": {
            "request": ["https://example.cn"],
            "socket": ["wss://ws.example.cn"],
            "uploadFile": ["https://example.cn"],
            "downloadFile": ["https://example.cn"],
        },
        "alipay": {"httpRequest": ["https://example.cn"], "socket": ["wss://ws.example.cn"]},
    }
    assert hosting.console_domains(settings({}).main) == {}


# --- the rest of a site --------------------------------------------------------------------------


def test_everybody_is_answered_or_those_who_are_allowed() -> None:
    site = settings({"allow": ["203.0.113.7/32"]}).main
    assert host(site).audience is None
    assert host(site, public=False).audience == ("203.0.113.7/32",)


@pytest.mark.parametrize(
    ("day", "seconds"),
    [(21, 300), (22, 604_800), (28, 604_800), (29, 2_592_000), (30, 2_592_000)],
)
def test_https_is_asked_for_ever_longer(day: int, seconds: int) -> None:
    site = settings({"headers": {"hsts": {"since": "2026-11-21", "subdomains": True}}}).main
    hsts = host(site, today=date(2026, 11, day)).headers.hsts
    assert str(hsts) == f"max-age={seconds}; includeSubDomains"
    assert hosting.max_age(date(2026, 11, 21), date(2027, 1, 1)) == 63_072_000
    assert hosting.max_age(date(2026, 11, 21), date(2026, 11, 1)) == 300


def test_a_password_that_is_a_secret_of_the_stack_is_not_needed_to_read_it() -> None:
    area = of(areas=[{"path": "/", "users": {"me": {"secure": "v1:abc"}}}]).areas[0]
    assert area.password_file == "me:(encrypted-in-the-stack-file)\n"
    assert of(areas=[{"path": "/", "users": {"me": HASH}}]).areas[0].password_file == f"me:{HASH}\n"


def test_maintenance_is_on_or_off() -> None:
    assert of(maintenance=False).maintenance is None
    on = of(maintenance=True).maintenance
    assert on is not None
    assert on.retry_after == 600


# --- nginx itself --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("server", "memory"),
    [
        ({"kind": "cvm", "instance-type": "S5.MEDIUM2"}, 2048),
        ({"kind": "cvm", "instance-type": "SA2.2XLARGE32"}, 32_768),
        ({"kind": "cvm", "instance-type": "S5.SMALL1"}, 1024),
        ({"kind": "lighthouse", "bundle": "bundle_starter_mc_promo_med2_01"}, 2048),
        ({"kind": "lighthouse", "bundle": "bundle_x"}, 1024),
    ],
)
def test_the_machine_s_memory(server: dict[str, Any], memory: int) -> None:
    assert hosting.nginx(settings({}, server=server)).memory == memory


@pytest.mark.parametrize(
    ("image", "hybrid", "directive"),
    [("Ubuntu Server 24.04", False, False), ("Debian 13", True, True), ("Something else", False, False)],
)
def test_what_an_image_s_nginx_understands(image: str, hybrid: bool, directive: bool) -> None:
    nginx = hosting.nginx(settings({}, server={"kind": "cvm", "image": image}))
    assert ("X25519MLKEM768" in nginx.tls["groups"]) is hybrid
    assert nginx.http2_directive is directive


def test_modules_are_installed_where_they_are_asked_for() -> None:
    assert hosting.packages(settings({})) == ()
    asked = settings({}, nginx={"compression": ["brotli"], "tls": "modern"})
    assert hosting.packages(asked) == ("libnginx-mod-http-brotli-filter", "libnginx-mod-http-brotli-static")
    rendered = Renderer().nginx_files(host(asked.main), nginx=hosting.nginx(asked))["nginx/nginx.conf"]
    assert "brotli_static on;" in rendered
    assert "ssl_protocols TLSv1.3;" in rendered
    assert "ssl_ciphers" not in rendered


# --- what can't be right -------------------------------------------------------------------------

UPSTREAM = {"kind": "proxy", "upstream": "127.0.0.1:3000"}
IS_PATH = "letters, digits and . _ ~ ! & ' ( ) + , = : @ - after a /"


@pytest.mark.parametrize(
    ("site", "problem"),
    [
        (
            {"kind": "proxy"},
            "luodi:site: needs either upstream, where the application listens, or app, one that luodi runs",
        ),
        ({**UPSTREAM, "app": APP}, "luodi:site: needs either upstream"),
        (
            {"kind": "proxy", "upstream": "127.0.0.1:443"},
            "luodi:site.upstream[0]: '127.0.0.1:443': port 443 is nginx's own",
        ),
        (
            {"kind": "proxy", "upstream": "127.0.0.1:65536"},
            "luodi:site.upstream[0]: '127.0.0.1:65536' has no port from 1",
        ),
        (
            {"kind": "proxy", "upstream": "10.8.0.2:3000"},
            "luodi:site.upstream[0]: '10.8.0.2:3000' is not on the loopback",
        ),
        (
            {"kind": "proxy", "upstream": "unix:/run/../etc/x"},
            "luodi:site.upstream[0]: 'unix:/run/../etc/x' is no socket",
        ),
        ({"kind": "proxy", "upstream": "localhost;"}, "luodi:site.upstream[0]: 'localhost;' has no port"),
        ({"upstream": "127.0.0.1:3000"}, "luodi:site.upstream: is a setting of kind proxy, not static"),
        ({**UPSTREAM, "body": "10 MB"}, "luodi:site.body: '10 MB' is no size such as 10m"),
        ({"paths": [{"path": "/api", "kind": "spa"}]}, "luodi:site.paths: /api is no folder below the root"),
        ({"paths": [{"path": "/a/../b/"}]}, "luodi:site.paths[0].path: '/a/../b/' leads up or nowhere"),
        ({"paths": [{"path": "/a/"}, {"path": "/a/"}]}, "luodi:site.paths: has /a/ twice"),
        (
            {"paths": [{"path": "/a/", "kind": "php"}]},
            "luodi:site.paths[0].kind: must be one of static, spa, proxy; got php",
        ),
        ({"paths": [{"path": "/a/", "titel": 1}]}, "luodi:site.paths[0].titel: is not a setting"),
        (
            {"redirects": [{"path": "/a", "to": "javascript:alert(1)"}]},
            "luodi:site.redirects[0].to: 'javascript:alert(1)'",
        ),
        ({"redirects": [{"path": "/a", "to": "//evil.cn"}]}, "luodi:site.redirects[0].to: '//evil.cn'"),
        ({"redirects": [{"path": "/a", "to": "/\\evil.cn"}]}, "luodi:site.redirects[0].to: '/\\\\evil.cn'"),
        ({"redirects": [{"path": "/a", "to": "/a"}]}, "luodi:site.redirects: /a leads to itself"),
        ({"redirects": [{"path": "/*", "to": "/a"}]}, "luodi:site: redirects: /* is served by something else"),
        (
            {"redirects": [{"path": "/a;b", "to": "/a"}]},
            f"luodi:site.redirects[0].path: '/a;b' is no path such as /api/: {IS_PATH}",
        ),
        ({"areas": [{"path": "/a/"}]}, "luodi:site.areas[0]: is open to nobody"),
        (
            {"areas": [{"path": "/a", "allow": ["10.0.0.0/8"]}, {"path": "/a/", "allow": ["10.0.0.0/8"]}]},
            "luodi:site.areas: has /a twice",
        ),
        ({"areas": [{"path": "/", "users": {"a:b": HASH}}]}, "luodi:site.areas[0].users.a:b: 'a:b' is no user's name"),
        (
            {"areas": [{"path": "/", "users": {"me": "$2y$13$" + "x" * 53}}]},
            "luodi:site.areas[0].users.me: is bcrypt of cost 13",
        ),
        (
            {"redirects": [{"path": "/healthz", "to": "/a"}]},
            "luodi:site: redirects: /healthz is served by something else",
        ),
        (
            {"redirects": [{"path": "/robots.txt", "to": "/a"}], "noindex": True},
            "luodi:site: redirects: /robots.txt is served by something else",
        ),
        ({"verification": {"404.html": "y"}}, "luodi:site: verification: /404.html is answered by luodi itself"),
        (
            {"verification": {"robots.txt": "y"}, "noindex": True},
            "luodi:site: verification: /robots.txt is answered by luodi itself",
        ),
        ({"verification": {"../x": "y"}}, "luodi:site.verification.../x: '../x' is no file's name"),
        ({"headers": {"more": {"X-A": "a\nb"}}}, "luodi:site.headers.more.X-A: has a line break"),
        ({"headers": {"more": {"Server": "x"}}}, "luodi:site.headers.more: Server is not for this list"),
        ({"headers": {"more": {"X-A": "1", "x-a": "2"}}}, "luodi:site.headers.more: X-A and x-a are one header"),
        (
            {"headers": {"hsts": {"since": "2026-11-21", "preload": True}}},
            "luodi:site.headers.hsts: preload needs subdomains",
        ),
        ({"limits": {"rate": 0}}, "luodi:site.limits.rate: must be 1 or more, got 0"),
        (
            {"kind": "mini-program", "upstream": "127.0.0.1:3000", "socket": {"host": "ws.example.cn"}},
            "luodi:site: socket.host: ws.example.cn is not among",
        ),
    ],
)
def test_what_can_t_be_right_is_named(site: dict[str, Any], problem: str) -> None:
    [found] = problems(site)
    assert found.startswith(problem)


@pytest.mark.parametrize(
    "areas",
    [
        [{"path": "/", "users": {"me": "hunter2"}}],
        [{"path": "/", "users": {"me": 42_424_242}}],
        [{"path": "/", "users": "hunter2"}],
        {"path": "/", "users": {"me": "hunter2"}},
        [{"path": "/", "users": {"me": ["hunter2"]}}],
    ],
)
def test_a_password_is_refused_and_not_repeated(areas: Any) -> None:
    [found] = problems({"areas": areas})
    assert "hunter2" not in found
    assert "42424242" not in found


def test_two_sites_can_t_have_one_name() -> None:
    further = {"site": {"domain": "www.example.cn", "title": "other"}}
    assert any("www.example.cn" in found for found in problems({}, sites=[further]))


# --- whatever is written -------------------------------------------------------------------------

HOSTILE = st.text(st.sampled_from("a/.;{}$\"'\\\n\r\t# *?%~^|&<>()é示\0\u2028"), max_size=12)


@given(text=HOSTILE)
def test_nothing_that_is_accepted_means_anything_to_nginx(text: str) -> None:
    """Wherever text of a stack file may stand, it is refused, or nginx reads it as what it is."""
    tries: list[dict[str, Any]] = [
        {"paths": [{"path": f"/{text}/"}]},
        {"redirects": [{"path": f"/{text}", "to": f"/{text}"}]},
        {"redirects": [{"path": f"/{text}*", "to": f"https://{text}"}]},
        {"areas": [{"path": f"/{text}", "users": {text: HASH}}]},
        {"verification": {text: text}},
        {"headers": {"more": {f"X{text}": text}, "csp": text}},
        {"kind": "proxy", "upstream": f"127.0.0.1:{text}"},
        {"kind": "proxy", "upstream": f"unix:/run/{text}"},
        {**UPSTREAM, "health": f"/{text}", "body": text},
        {"title": text},
    ]
    for each in tries:
        try:
            site = settings(each).main
        except SettingsError:
            continue
        for path, rendered in Renderer().nginx_files(host(site)).items():
            if path.endswith(".conf"):
                assert balanced(rendered), rendered


def balanced(configuration: str) -> bool:
    """Whether each block that is opened is closed, and no statement is left open, as nginx reads it."""
    depth, quoted, comment, escaped, word = 0, "", False, False, ""
    for char in configuration:
        if comment:
            comment = char != "\n"
        elif escaped:
            escaped = False
        elif char == "\\":
            escaped = True
        elif quoted:
            quoted = "" if char == quoted else quoted
        elif char in "\"'" and not word.strip():
            quoted = char
        elif char == "#" and not word.strip():
            comment = True
        elif char == "{" and not word.endswith("$"):
            depth += 1
            word = ""
        elif char == "}" and "${" not in word:
            depth -= 1
            word = ""
        elif char in " \t\n;":
            word = ""
        else:
            word += char
        if depth < 0:
            return False
    return depth == 0 and not quoted
