"""Rendering: what is in a release, and what is said when a template or a value is wrong."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from luodi.filing.numbers import parse_icp, parse_public_security
from luodi.rendering import (
    RELEASE,
    CertificateFiles,
    Footer,
    Listen,
    Nginx,
    Renderer,
    RenderingError,
    Static,
    TemplateError,
    VirtualHost,
    loading,
    quote,
    shipped_templates,
)

ICP = parse_icp("京ICP备2026068982号-1")
PUBLIC_SECURITY = parse_public_security("京公网安备11010502000001号")
BOTH = Footer(ICP, PUBLIC_SECURITY, "示例科技有限公司")
SITE = "nginx/sites/example.cn.conf"
PAGES = {f"sites/example.cn/pages/{name}.html" for name in ("401", "404", "429", "50x", "maintenance")}


def host(
    footer: Footer = BOTH,
    *,
    names: tuple[str, ...] = ("example.cn", "www.example.cn"),
    key: str = "/etc/luodi/tls/example.cn/current/ecdsa.key",
    has_content: bool = False,
    inject_footer: bool = True,
) -> VirtualHost:
    certificate = CertificateFiles("/etc/luodi/tls/example.cn/current/ecdsa.pem", key)
    return VirtualHost(names, "示例科技", footer, (certificate,), Static(has_content), inject_footer=inject_footer)


def footer_of(footer: Footer) -> str:
    return Renderer().nginx_files(host(footer))["sites/example.cn/snippets/footer.html"]


# --- what is in a release ------------------------------------------------------------------------


def test_the_files_of_a_release() -> None:
    assert set(Renderer().nginx_files(host())) == {
        "nginx/nginx.conf",
        SITE,
        *PAGES,
        "sites/example.cn/html/index.html",
        "sites/example.cn/snippets/footer.html",
        "sites/example.cn/assets/public-security.svg",
    }


@pytest.mark.parametrize("footer", [Footer(), Footer(owner="示例科技有限公司")])
def test_without_a_number_there_is_nothing_of_a_footer(footer: Footer) -> None:
    files = Renderer().nginx_files(host(footer, has_content=True))
    assert set(files) == {
        "nginx/nginx.conf",
        SITE,
        *PAGES,
    }
    assert "sub_filter" not in files[SITE]
    assert "public-security" not in files[SITE]


def test_the_same_site_is_rendered_the_same() -> None:
    assert Renderer().nginx_files(host()) == Renderer().nginx_files(host())


def test_the_release_s_id_can_come_later() -> None:
    later = Renderer().nginx_files(host())
    assert [path for path, text in later.items() if RELEASE in text] == ["nginx/nginx.conf", SITE]
    at_once = Renderer().nginx_files(host(), release="0123abcd")
    assert {path: text.replace(RELEASE, "0123abcd") for path, text in later.items()} == at_once


def test_a_user_s_text_can_t_be_taken_for_the_release_s_id() -> None:
    footer = Footer(ICP, owner=f"示例{RELEASE}")
    site = Renderer().nginx_files(host(footer))[SITE]
    assert "示例&lt;release&gt;" in site


# --- the footer ----------------------------------------------------------------------------------


def test_the_footer_of_both_numbers() -> None:
    text = footer_of(BOTH)
    assert "\n" not in text
    assert text.count("<a ") == text.count('rel="noopener noreferrer"') == 2
    assert 'aria-label="网站备案信息"' in text
    assert 'alt="公安备案图标"' in text
    assert "target=" not in text


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("粤ICP备2026068982号-1", "粤ICP备2026068982号"),
        ("粤ICP备2026068982号", "粤ICP备2026068982号"),
        ("沪ICP备2026068982号-3", "沪ICP备2026068982号-3"),
    ],
)
def test_the_number_that_the_province_wants(number: str, shown: str) -> None:
    text = footer_of(Footer(parse_icp(number)))
    assert f">{shown}</a>" in text
    assert "beian.mps.gov.cn" not in text


def test_a_public_security_number_alone() -> None:
    text = footer_of(Footer(public_security=PUBLIC_SECURITY))
    assert 'href="https://beian.mps.gov.cn/#/query/webSearch?code=11010502000001"' in text
    assert "beian.miit.gov.cn" not in text


def test_an_owner_s_name_is_text() -> None:
    assert "© &lt;b&gt;A &amp; B&lt;/b&gt;<" in footer_of(Footer(ICP, owner="<b>A & B</b>"))


def test_a_page_that_has_the_footer_already_gets_no_second_one() -> None:
    files = Renderer().nginx_files(host(inject_footer=False))
    assert "sub_filter" not in files[SITE]
    assert "sites/example.cn/snippets/footer.html" in files


# --- versions and ports --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "directive"),
    [
        ("1.19.4", False),
        ("nginx version: nginx/1.24.0 (Ubuntu)", False),
        ("1.25.0", False),
        ("1.25.1", True),
        ("nginx/1.30", True),
        ("2.0.0", True),
    ],
)
def test_http_2_is_written_as_the_version_reads_it(version: str, directive: bool) -> None:
    files = Renderer().nginx_files(host(), nginx=Nginx(version))
    for text in (files["nginx/nginx.conf"], files[SITE]):
        assert ("http2 on;" in text) is directive
        assert ("listen 443 ssl http2" in text) is not directive


@pytest.mark.parametrize("version", ["1.18.0", "1.19.3", "0.9"])
def test_a_version_that_is_too_old_is_refused(version: str) -> None:
    with pytest.raises(RenderingError, match=r"1\.19\.4 or newer, as Debian 12"):
        Nginx(version)


def test_a_version_that_is_none_is_refused() -> None:
    with pytest.raises(RenderingError, match=r"'latest' is no version"):
        Nginx("latest")


def test_other_ports_are_named_where_they_must_be() -> None:
    site = Renderer().nginx_files(host(), nginx=Nginx(listen=Listen("127.0.0.1", 8080, 8443)))[SITE]
    assert "listen 127.0.0.1:8080;" in site
    assert "listen 127.0.0.1:8443 ssl http2;" in site
    assert "return 301 https://$host:8443$request_uri;" in site
    assert "return 301 https://$host$request_uri;" in Renderer().nginx_files(host())[SITE]


# --- values that can't be rendered ---------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        *("", "example", "Example.cn", "示例.cn", "*.example.cn", "a_b.cn", "-a.cn", "a.cn;", "a..cn", "a.cn\n"),
        f"{'a' * 64}.cn",
        f"{'a.' * 130}cn",
    ],
)
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(RenderingError, match="is no host name"):
        host(names=("example.cn", name))


def test_a_site_without_a_name_is_refused() -> None:
    with pytest.raises(RenderingError, match="needs a host name"):
        host(names=())


@pytest.mark.parametrize("path", ["", "/keys/a b", "/keys/$a", "/keys/a;", "/keys/a\n", "/钥"])
def test_a_path_that_nginx_would_not_read_as_one_is_refused(path: str) -> None:
    with pytest.raises(RenderingError, match="is no path of letters"):
        host(key=path)


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("example.cn", "example.cn"),
        ("", '""'),
        ("a b", '"a b"'),
        ("a;b", '"a;b"'),
        ('a"b', '"a\\"b"'),
        ("a\\", '"a\\\\"'),
        ("$host", '"${luodi_dollar}host"'),
        ("#", '"#"'),
        ("示例", '"示例"'),
    ],
)
def test_quoting(text: str, quoted: str) -> None:
    assert quote(text) == quoted


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a\0b", "U\\+0000"),
        ("\ud800", "half of a surrogate pair"),
        ("示" * 1334, "takes 4002 bytes"),
        ("$" * 400, "takes 6000 bytes"),
    ],
)
def test_what_nginx_can_t_hold_is_refused(text: str, reason: str) -> None:
    with pytest.raises(RenderingError, match=reason):
        quote(text)


# --- a team's own templates ----------------------------------------------------------------------


def renderer(folder: Path, path: str, text: str) -> Renderer:
    file = folder / path
    file.parent.mkdir(parents=True)
    file.write_text(text)
    return Renderer(folder)


def test_a_team_s_template_comes_first(tmp_path: Path) -> None:
    mine = renderer(tmp_path, "pages/holding.html.j2", "<h1>{{ title }}!</h1></body>")
    files = mine.nginx_files(host())
    footer = files["sites/example.cn/snippets/footer.html"]
    assert files["sites/example.cn/html/index.html"] == f"<h1>示例科技!</h1>{footer}</body>"


def test_a_block_of_a_shipped_template_can_be_replaced(tmp_path: Path) -> None:
    text = (
        '{% extends "luodi/nginx/site.conf.j2" %}\n'
        "{% block content %}\n{{ super() }}    location /api/ { return 200 {{ host.title }}; }\n{% endblock %}\n"
    )
    shipped = Renderer().nginx_files(host())[SITE]
    mine = renderer(tmp_path, "nginx/site.conf.j2", text).nginx_files(host())[SITE]
    added = '    location /api/ { return 200 "示例科技"; }\n'
    assert added in mine
    assert mine.replace(added, "").split() == shipped.split()


@pytest.mark.parametrize(
    "template", sorted(path.relative_to(shipped_templates()) for path in (shipped_templates() / "nginx").rglob("*.j2"))
)
def test_every_piece_of_the_nginx_templates_is_in_a_block(template: Path) -> None:
    """Outside a block there is only what holds the blocks together."""
    left: list[str] = []
    depth = 0
    for line in (shipped_templates() / template).read_text().splitlines():
        depth += line.startswith(("{% block", "{% set"))
        if depth == 0 and line.strip() and not line.startswith(("#", "{% for", "{% endfor", "{% if", "{% endif")):
            left.append(line)
        depth -= line.startswith(("{% endblock", "{%- endset"))
    assert set(left) <= {"events {", "http {", "server {", "}"}


def test_a_value_in_a_team_s_nginx_template_is_quoted(tmp_path: Path) -> None:
    text = (
        "{% macro greet(who) %}add_header X-Who {{ who }};{% endmacro %}"
        "{{ greet(host.footer.owner) }}{% set both = [host.footer.owner, 1] %} x {{ both }};{{ 'a;<b' }}"
    )
    mine = renderer(tmp_path, "nginx/site.conf.j2", text)
    site = mine.nginx_files(host(Footer(ICP, owner='a"; evil on; #$x\n')))[SITE]
    once = '"a\\"; evil on; #${luodi_dollar}x\\n"'
    assert site == f'add_header X-Who {once}; x {once} 1;"a;<b"'


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("one\ntwo\n{{ hots.name }}\nfour\nfive\nsix\n", 3, "'hots' is undefined"),
        ("one\ntwo\n{{ host.nmae }}\nfour\nfive\nsix\n", 3, "has no attribute 'nmae'"),
        ("one\ntwo\n{% if %}\nfour\nfive\nsix\n", 3, "Expected an expression"),
        ("one\ntwo\n{{ 'x' * 5000 }}\nfour\nfive\nsix\n", 3, "takes 5000 bytes"),
        ("one\ntwo\n{{ 1 / 0 }}\nfour\nfive\nsix\n", 3, "division by zero"),
    ],
)
def test_a_template_s_mistake_is_shown_in_its_place(tmp_path: Path, text: str, line: int, reason: str) -> None:
    with pytest.raises(TemplateError) as caught:
        renderer(tmp_path, "nginx/site.conf.j2", text).nginx_files(host())
    first, *shown = str(caught.value).splitlines()
    file = tmp_path / "nginx/site.conf.j2"
    assert first.startswith(f"{file}, line {line}: ")
    assert reason in first
    rows = text.splitlines()
    assert shown == [f"{'>' if n == line else ' '} {n:4} | {rows[n - 1]}" for n in range(1, 6)]


def test_a_template_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match=r"site\.conf\.j2.*: there is no template nginx/mine\.conf\.j2"):
        renderer(tmp_path, "nginx/site.conf.j2", '\n{% include "nginx/mine.conf.j2" %}').nginx_files(host())


CLIENT = "nginx/http/client.conf.j2"


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        (
            CLIENT,
            '{% extends "luodi/nginx/http/client.conf.j2" %}\n{% block clients %}{% endblock %}',
            "line 2: there is no block clients in luodi/nginx/http/client.conf.j2, which has client, limits",
        ),
        (
            CLIENT,
            '{% extends "nginx/http/client.conf.j2" %}',
            f'line 1: extends itself; the one that luodi ships is "luodi/{CLIENT}"',
        ),
        (
            CLIENT,
            '{% extends "luodi/nginx/http/cleint.conf.j2" %}',
            "line 1: there is no template luodi/nginx/http/cleint",
        ),
        (
            "pages/404.html.j2",
            '{% extends "luodi/pages/404.html.j2" %}{% block top %}{% endblock %}',
            "no block top in",
        ),
    ],
)
def test_a_template_that_would_change_nothing_is_refused(tmp_path: Path, path: str, text: str, said: str) -> None:
    with pytest.raises(TemplateError) as caught:
        renderer(tmp_path, path, text).nginx_files(host())
    assert str(caught.value).startswith(f"{tmp_path / path}, ")
    assert said in str(caught.value)


def test_a_block_of_the_template_s_own_may_stand_in_one_that_it_replaces(tmp_path: Path) -> None:
    text = '{% extends "luodi/pages/404.html.j2" %}{% block main %}{% block inner %}mine{% endblock %}{% endblock %}'
    files = renderer(tmp_path, "pages/404.html.j2", text).nginx_files(host())
    assert "mine" in files["sites/example.cn/pages/404.html"]


def test_a_template_in_another_encoding_is_told(tmp_path: Path) -> None:
    file = tmp_path / CLIENT
    file.parent.mkdir(parents=True)
    file.write_bytes("{# one #}\n{# 限制 #}".encode("gbk"))
    with pytest.raises(TemplateError, match="line 2: is not UTF-8; save it as UTF-8"):
        Renderer(tmp_path).nginx_files(host())


def test_a_page_that_has_no_place_for_the_footer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RenderingError, match=r"templates/pages/429\.html\.j2 has no place for the footer"):
        renderer(tmp_path, "pages/429.html.j2", "<p>{{ title }}</p>").nginx_files(host())


# --- a clone, whose templates/ is luodi's own -----------------------------------------------------


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    templates = tmp_path / "clone/templates"
    shutil.copytree(shipped_templates(), templates)
    monkeypatch.setattr(loading, "shipped_templates", lambda: templates)
    return templates


TLS = '{% extends "luodi/nginx/http/tls.conf.j2" %}\n{% block tls %}{{ super() }}    # mine\n{% endblock %}'


def test_a_clone_has_a_folder_for_a_team_s_own(clone: Path) -> None:
    for name in ("nginx/http", "nginx/snippets"):
        (clone / "own" / name).mkdir(parents=True)
    (clone / "own/nginx/http/tls.conf.j2").write_text(TLS)
    (clone / "own/nginx/snippets/http.conf").write_text("# snippet\n")
    files = Renderer(clone).nginx_files(host())
    assert "    # mine\n" in files["nginx/nginx.conf"]
    assert files["nginx/nginx.conf"].count("(the project's own)") == 1
    assert files["nginx/snippets/http.conf"] == "# snippet\n"


def test_luodi_s_own_template_in_a_clone_is_not_written_over_unnoticed(clone: Path) -> None:
    (clone / "nginx/http/tls.conf.j2").write_text(TLS)
    with pytest.raises(TemplateError, match=r"extends itself: in a clone .* at templates/own/nginx/http/tls\.conf\.j2"):
        Renderer(clone).nginx_files(host())


def test_a_clone_s_templates_are_luodi_s_however_the_folder_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shipped_templates().parent)
    assert Renderer(Path("templates")).nginx_files(host()) == Renderer().nginx_files(host())
