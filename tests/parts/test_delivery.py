"""What the dynamic resources do on a server: by TAT's API, answered by a sandboxed server with the real nginx."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pulumi.dynamic import ConfigureRequest, DiffResult, ResourceProvider
from pulumi.dynamic.config import Config

from luodi import dynamic
from luodi.api import Account, NoCredentials
from luodi.delivery import content, resources, tat
from luodi.delivery.bundle import TooLarge
from luodi.delivery.content import ContentError
from luodi.delivery.tat import CommandFailed
from tests.noise import noise
from tests.parts import fake_tat, machine
from tests.parts.machine import Machine, site
from tests.unit.fake_account import FakeAccount, refused

TEMPLATES = str(Path(__file__).parents[2] / "templates")
INSTANCE = {"instance": "ins-1", "region": "ap-guangzhou", "templates": TEMPLATES}
GONE = refused("ResourceNotFound.InstanceNotFound")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Machine]:
    with machine.running(tmp_path) as running:
        yield running


@pytest.fixture
def account(server: Machine, monkeypatch: pytest.MonkeyPatch) -> FakeAccount:
    """An account whose TAT runs commands on the server, each before its call returns."""
    found = FakeAccount(answers=fake_tat.answers(server))
    monkeypatch.setattr(dynamic.CloudProvider, "account", lambda _self, _region: found)
    return found


def changes(provider: ResourceProvider, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
    return provider.diff("the id", olds, news)


# --- preparation -------------------------------------------------------------------------------------


def test_a_server_is_prepared_by_its_script(server: Machine, account: FakeAccount) -> None:
    provider = resources._PreparationProvider()
    made = provider.create({**INSTANCE, "script": "echo prepared > /run/prepared"})
    assert made.id == "ins-1/preparation"
    assert server.says("cat /run/prepared") == "prepared"
    [asked] = account.asked("RunCommand")
    assert asked["InstanceIds"] == ["ins-1"]
    assert asked["Timeout"] == 900
    provider.update("the id", made.outs or {}, {**INSTANCE, "script": "echo again > /run/prepared"})
    assert server.says("cat /run/prepared") == "again"


def test_what_an_image_does_not_give_is_told(account: FakeAccount, capsys: pytest.CaptureFixture[str]) -> None:
    script = """echo installing; echo '{"nginx": "1.22.1", "lacks": ["log rotation (logrotate)", "a swap file"]}'"""
    resources._PreparationProvider().create({**INSTANCE, "script": script})
    said = capsys.readouterr().err
    assert said == "warning: ins-1 does without what its image does not give: log rotation (logrotate); a swap file\n"
    resources._PreparationProvider().create({**INSTANCE, "script": """echo '{"lacks": []}'"""})
    assert capsys.readouterr().err == ""


def test_a_preparation_that_fails_is_told(account: FakeAccount) -> None:
    with pytest.raises(CommandFailed, match="Preparing the server failed with exit code 3 on ins-1:\nno mirror"):
        resources._PreparationProvider().create({**INSTANCE, "script": "echo no mirror; exit 3"})


def test_a_preparation_is_made_again_for_another_script_or_server() -> None:
    provider, olds = resources._PreparationProvider(), {**INSTANCE, "script": "true"}
    assert not changes(provider, olds, dict(olds)).changes
    assert changes(provider, olds, {**olds, "script": "false"}).changes
    assert not changes(provider, olds, {**olds, "script": "false"}).replaces
    assert changes(provider, olds, {**olds, "instance": "ins-2"}).replaces == ["instance"]


# --- releases ----------------------------------------------------------------------------------------


def release(server: Machine, page: str = "hello", *, more: str = "") -> dict[str, Any]:
    files = {path: data.decode() for path, data in site(server.certificate, page, more=more).items()}
    return {
        **INSTANCE,
        "names": ["example.cn"],
        "files": files,
        "private": {},
        "folders": {},
        "pages": {},
        "keep": 5.0,  # as the engine gives a number
        "bucket": None,
        "release": None,
        "manifest": None,
        "serving": None,
        "by_hand": None,
    }


def with_content(folder: Path) -> dict[str, Any]:
    digest = content.look(str(folder)).digest
    return {"folders": {"sites/example.cn/html": {"source": str(folder), "digest": digest}}}


@pytest.fixture
def public(tmp_path: Path) -> Path:
    """A folder of content: 300 kB that no compression makes smaller, and small files."""
    folder = tmp_path / "public"
    (folder / "a b").mkdir(parents=True)
    for number in range(3):
        (folder / f"noise-{number}.bin").write_bytes(noise(100_000 + number))
    (folder / "a b" / "back\\slash 文件.txt").write_text("odd")
    (folder / "about.html").write_text("about")
    return folder


def sent(account: FakeAccount) -> int:
    """Bytes of commands since the last time this was asked."""
    size = sum(len(base64.b64decode(request["Content"])) for request in account.asked("RunCommand"))
    account.calls.clear()
    return size


def test_a_release_is_delivered_and_followed_by_another(server: Machine, account: FakeAccount) -> None:
    provider = resources._ReleaseProvider()
    made = provider.create(release(server, "one"))
    outs = made.outs or {}
    assert made.id == "ins-1/releases"
    assert outs["release"] == outs["serving"] == server.current
    assert server.get("/.well-known/luodi/release") == outs["release"]
    server.eventually_serves("one")
    assert not changes(provider, outs, release(server, "one")).changes

    news = release(server, "two")
    assert changes(provider, outs, news).changes
    assert not changes(provider, outs, news).replaces
    updated = provider.update(made.id, outs, news).outs or {}
    assert updated["release"] == server.current != outs["release"]
    server.eventually_serves("two")


def test_a_release_that_nginx_refuses_fails_with_its_words(server: Machine, account: FakeAccount) -> None:
    provider = resources._ReleaseProvider()
    outs = provider.create(release(server, "one")).outs or {}
    with pytest.raises(CommandFailed) as caught:
        provider.update("the id", outs, release(server, "two", more="listenn 80;"))
    assert str(caught.value).startswith("Switching to release ")
    assert 'unknown directive "listenn"' in str(caught.value)
    assert server.current == outs["release"]
    server.eventually_serves("one")


def test_a_large_release_takes_several_commands(server: Machine, account: FakeAccount, public: Path) -> None:
    resources._ReleaseProvider().create(release(server) | with_content(public))
    assert len(account.asked("RunCommand")) == 12, "a manifest, a look at what is missing, nine parts, a switch"
    assert all(len(request["Content"]) <= tat.COMMAND_LIMIT for request in account.asked("RunCommand"))
    for name in ("noise-1.bin", "a b/back\\slash 文件.txt"):
        there = shlex.quote(f"/opt/luodi/current/sites/example.cn/html/{name}")
        assert server.says(f"sha256sum < {there}") == machine.sha256sum((public / name).read_bytes())
    assert server.get() == "hello", "a page of the kit's own stays beside the content"


def test_only_what_changed_travels(server: Machine, account: FakeAccount, public: Path) -> None:
    provider = resources._ReleaseProvider()
    outs = provider.create(release(server) | with_content(public)).outs or {}
    assert sent(account) > 400_000
    html = "/opt/luodi/current/sites/example.cn/html"
    before = server.says(f"stat --format='%i %Y' {html}/noise-1.bin").split()

    (public / "about.html").write_text("about us")
    (public / "a b" / "back\\slash 文件.txt").unlink()
    outs = provider.update("the id", outs, release(server) | with_content(public)).outs or {}
    assert sent(account) < 25_000, "the scripts themselves"
    assert server.says(f"ls {html}; cat {html}/about.html").split() == [
        *(file.name for file in sorted(public.iterdir()) if file.is_file()),
        *("about", "us"),
    ]
    assert server.says(f"stat --format='%i %Y' {html}/noise-1.bin").split() == before, "the same file, of its own age"
    assert server.says("ls /var/lib/luodi/upload") == ""

    server.says(f"truncate --size=5 {html}/noise-1.bin; rm {html}/noise-2.bin; echo mine > {html}/mine.txt")
    provider.update("the id", outs, release(server) | with_content(public))
    assert sent(account) > 250_000, "what was changed by hand travels again"
    assert server.says(f"cat {html}/noise-* | sha256sum") == machine.sha256sum(
        b"".join((public / f"noise-{number}.bin").read_bytes() for number in range(3))
    )
    assert "mine.txt" not in server.says(f"ls {html}")


FOOTER = "<div>沪ICP备2024000123号</div>"
SNIPPET = "sites/example.cn/snippets/footer.html"


def with_footer(server: Machine, folder: Path, footer: str) -> dict[str, Any]:
    """A release whose pages are that folder's."""
    props = release(server) | with_content(folder) | {"footers": {"sites/example.cn/html": SNIPPET}}
    config = props["files"]["nginx/nginx.conf"].replace("/html;", "/sites/example.cn/html;")
    files = {**props["files"], "nginx/nginx.conf": config, SNIPPET: footer}
    return {**props, "files": files, "pages": {"example.cn": SNIPPET}}


def test_another_number_changes_the_pages_and_nothing_else(
    server: Machine, account: FakeAccount, public: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (public / "index.html").write_text("<!doctype html><p>a")
    (public / "index.html.br").write_text("the page, without a footer")
    provider = resources._ReleaseProvider()
    outs = provider.create(with_footer(server, public, FOOTER)).outs or {}
    assert server.get() == f"<!doctype html><p>a{FOOTER}"
    assert not changes(provider, outs, with_footer(server, public, FOOTER)).changes
    other = with_footer(server, public, FOOTER.replace("沪", "粤"))
    assert changes(provider, outs, other).changes
    capsys.readouterr()
    provider.update("the id", outs, other)
    server.eventually_serves(f"<!doctype html><p>a{FOOTER.replace('沪', '粤')}")
    assert "3 of 10 files to send" in capsys.readouterr().out, "the page, the snippet, and what names the release"
    html = "/opt/luodi/current/sites/example.cn/html"
    assert "index.html.br" not in server.says(f"ls {html}")
    assert server.says(f"cat {html}/about.html") == "about", "a fragment"


@pytest.mark.parametrize("page", ["<p>a fragment", "<!doctype html><frameset></frameset>"])
def test_a_first_page_that_can_have_no_footer_is_served_without(
    server: Machine, account: FakeAccount, public: Path, page: str
) -> None:
    (public / "index.html").write_text(page)
    resources._ReleaseProvider().create(with_footer(server, public, FOOTER))
    server.eventually_serves(page)


def test_a_release_that_another_one_overtook_is_not_switched_on(
    server: Machine, account: FakeAccount, public: Path
) -> None:
    provider = resources._ReleaseProvider()
    first = provider.create(release(server) | with_content(public)).outs or {}
    run = account.answers["RunCommand"]

    def meanwhile(request: dict[str, Any]) -> dict[str, Any]:
        if "base64 --decode > " in (script := base64.b64decode(request["Content"]).decode()) and "point()" in script:
            server.says("mkdir /opt/luodi/releases/other; ln -sfn /opt/luodi/releases/other /opt/luodi/current")
        return run(request)

    account.answers["RunCommand"] = meanwhile
    (public / "about.html").write_text("about us")
    with pytest.raises(CommandFailed, match="Release other was switched on while this one was being made ready"):
        provider.update("the id", first, release(server) | with_content(public))
    assert server.current == "other"


def test_a_release_that_its_server_has_no_room_for(server: Machine, account: FakeAccount, public: Path) -> None:
    run = account.answers["RunCommand"]

    def nearly_full(request: dict[str, Any]) -> dict[str, Any]:
        script = base64.b64decode(request["Content"]).decode().replace('"$(room avail)"', "123456")
        return run({**request, "Content": base64.b64encode(script.encode()).decode()})

    account.answers["RunCommand"] = nearly_full
    with pytest.raises(TooLarge, match=r"The disk of ins-1 has no room for this release: 123456 bytes are free, and"):
        resources._ReleaseProvider().create(release(server) | with_content(public))
    assert len(account.asked("RunCommand")) == 2, "nothing was sent but the list of files"


def test_content_that_changed_meanwhile_is_not_delivered(server: Machine, account: FakeAccount, public: Path) -> None:
    props = release(server) | with_content(public)
    (public / "about.html").write_text("since then")
    with pytest.raises(ContentError, match=r"changed while it was being published; run pulumi up again"):
        resources._ReleaseProvider().create(props)
    assert account.calls == []


def test_too_large_a_release_is_told_before_it_is_sent(server: Machine, account: FakeAccount, public: Path) -> None:
    (public / "film.bin").write_bytes(noise(2_500_000))
    with pytest.raises(TooLarge, match=r"What must be sent is 2\.8 MB"):
        resources._ReleaseProvider().create(release(server) | with_content(public))
    assert sent(account) < 10_000


def test_a_refresh_sees_what_is_really_served(server: Machine, account: FakeAccount) -> None:
    provider = resources._ReleaseProvider()
    news = release(server)
    made = provider.create(news)
    outs = made.outs or {}
    assert (provider.read(made.id, outs).outs or {}) == outs

    server.says("nginx -s quit; while [[ -e /run/nginx.pid ]]; do sleep 0.02; done")
    stopped = provider.read(made.id, outs)
    assert stopped.id == made.id
    assert (stopped.outs or {})["serving"] == ""
    assert changes(provider, stopped.outs or {}, news).changes
    mended = provider.update(made.id, stopped.outs or {}, news).outs or {}
    assert mended["serving"] == outs["release"]
    server.eventually_serves("hello")

    server.says("ln -sfn /opt/luodi/releases/other /opt/luodi/current")
    assert (provider.read(made.id, mended).outs or {})["serving"] == "other"


def test_a_refresh_names_what_was_changed_by_hand(server: Machine, account: FakeAccount) -> None:
    provider, news = resources._ReleaseProvider(), release(server)
    outs = provider.create(news).outs or {}
    server.says(
        "cd /opt/luodi/current; echo '# mine' >> nginx/nginx.conf; echo x > html/new; mv html/index.html html/i"
    )
    seen = provider.read("the id", outs).outs or {}
    assert seen["by_hand"] == ["html/i", "html/index.html", "html/new", "nginx/nginx.conf"]
    assert changes(provider, seen, news).changes
    mended = provider.update("the id", seen, news).outs or {}
    assert mended["by_hand"] == []
    assert (provider.read("the id", mended).outs or {}) == mended
    server.eventually_serves("hello")


def test_an_up_that_changes_nothing_still_looks_at_the_server(
    server: Machine, account: FakeAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    provider, news = resources._ReleaseProvider(), release(server)
    outs = provider.create(news).outs or {}
    assert not changes(provider, outs, news).changes
    capsys.readouterr()
    server.says("echo '# mine' >> /opt/luodi/current/nginx/nginx.conf")
    assert changes(provider, outs, news).changes
    assert capsys.readouterr().out == "Changed on the server by hand: nginx/nginx.conf (luodi diff shows it).\n"
    outs = provider.update("the id", outs, news).outs or {}
    assert not changes(provider, outs, news).changes
    account.answers["DescribeAutomationAgentStatus"] = GONE
    assert not changes(provider, outs, news).changes, "a server that can't be looked at is no change of the release"


def test_a_refresh_of_a_release_whose_server_is_gone(server: Machine, account: FakeAccount) -> None:
    provider = resources._ReleaseProvider()
    made = provider.create(release(server))
    account.answers["RunCommand"] = GONE
    assert (provider.read(made.id, made.outs or {}).outs or {})["serving"] == ""


def test_a_release_on_another_server_is_another_one(server: Machine, account: FakeAccount) -> None:
    provider, olds = resources._ReleaseProvider(), release(server)
    olds = provider.create(olds).outs or {}
    assert changes(provider, olds, {**olds, "instance": "ins-2"}).replaces == ["instance"]
    for name, value in {"names": ["www.example.cn"], "folders": {"sites/example.cn/html": {"digest": "other"}}}.items():
        assert changes(provider, olds, {**olds, name: value}).changes


# --- credentials -------------------------------------------------------------------------------------


def test_the_stack_s_credentials_are_used_and_stay_out_of_state(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SECRET_ID", "SECRET_KEY", "SECURITY_TOKEN", "REGION"):
        monkeypatch.delenv(f"TENCENTCLOUD_{name}", raising=False)
    provider = dynamic.CloudProvider()
    with pytest.raises(NoCredentials):
        provider.account("ap-shanghai")
    secrets = {"tencentcloud:secretId": "AKIDstack", "tencentcloud:secretKey": "stack's"}
    provider.configure(ConfigureRequest(Config({**secrets, "tencentcloud:region": "ap-beijing"}, "project")))
    assert provider.account("ap-shanghai") == Account("AKIDstack", "stack's", "ap-shanghai")


def test_the_environment_s_credentials_are_used_where_the_stack_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENCENTCLOUD_SECRET_ID", "AKIDenviron")
    monkeypatch.setenv("TENCENTCLOUD_SECRET_KEY", "environ's")
    monkeypatch.setenv("TENCENTCLOUD_SECURITY_TOKEN", "token")
    provider = dynamic.CloudProvider()
    provider.configure(ConfigureRequest(Config({}, "project")))
    assert provider.account("ap-shanghai") == Account("AKIDenviron", "environ's", "ap-shanghai", "token")


def test_what_did_not_change_keeps_its_age_in_a_small_release_too(server: Machine, account: FakeAccount) -> None:
    """By which a browser knows that its copy is good."""
    provider, html = resources._ReleaseProvider(), "/opt/luodi/current/html"
    first = {**release(server, "one")}
    first["files"] = {**first["files"], "html/same.css": "a{}"}
    made = provider.create(first)
    before = server.says(f"stat --format='%i %Y' {html}/same.css")
    server.says("sleep 1.1")  # ages are told in seconds
    second = {**first, "files": {**first["files"], **release(server, "two")["files"]}}
    asked = len(account.asked("RunCommand"))
    provider.update("the id", made.outs or {}, second)
    assert len(account.asked("RunCommand")) - asked <= 2, "it was sent whole"
    server.eventually_serves("two")
    assert server.says(f"stat --format='%i %Y' {html}/same.css") == before
