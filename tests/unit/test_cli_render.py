"""`luodi render`: all that a release would hold, from the stack file alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from luodi.cli import main

SITE = {"domain": "example.cn", "title": "示例科技", "content": "public"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "public").mkdir(parents=True)
    (folder / "public/index.html").write_text("<p>你好</p>")
    (folder / "public/logo.png").write_bytes(b"\x89PNG\0")
    (folder / "Pulumi.yaml").write_text("name: project\n")
    write(folder, SITE)
    return folder


def write(project: Path, site: Mapping[str, object], **more: object) -> None:
    config = {"tencentcloud:region": "ap-guangzhou", "luodi:site": site, "luodi:server": {"kind": "cvm"}, **more}
    (project / "Pulumi.dev.yaml").write_text(yaml.safe_dump({"config": config}, allow_unicode=True))


def run(project: Path, *args: str) -> Result:
    return CliRunner().invoke(main, ["render", "--cwd", str(project), *args])


def written(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_everything_is_written(project: Path, tmp_path: Path) -> None:
    said = run(project, "--out", str(tmp_path / "out"))
    assert (said.exit_code, said.output) == (0, f"{tmp_path / 'out'}: {len(written(tmp_path / 'out'))} files\n")
    assert {
        "nginx/nginx.conf",
        "nginx/sites/example.cn.conf",
        "sites/example.cn/html/index.html",
        "sites/example.cn/pages/404.html",
    } <= written(tmp_path / "out")
    assert (tmp_path / "out/sites/example.cn/html/logo.png").read_bytes() == b"\x89PNG\0"


def test_each_file_of_nginx_says_where_it_came_from(project: Path, tmp_path: Path) -> None:
    (project / "templates/nginx/http").mkdir(parents=True)
    override = '{% extends "luodi/nginx/http/tls.conf.j2" %}{% block tls %}{{ super() }}    # ours\n{% endblock %}'
    (project / "templates/nginx/http/tls.conf.j2").write_text(override)
    run(project, "--out", str(tmp_path / "out"))
    whole = (tmp_path / "out/nginx/nginx.conf").read_text()
    assert "rendered by luodi from templates/nginx/" in whole
    assert "# --- nginx/http/tls.conf.j2 (the project's own)\n" in whole
    assert "# --- nginx/http/headers.conf.j2\n" in whole
    assert "    # ours\n" in whole
    site = (tmp_path / "out/nginx/sites/example.cn.conf").read_text()
    assert site.startswith("# example.cn, from luodi:site, rendered by luodi")


def test_snippets_are_put_where_they_belong(project: Path, tmp_path: Path) -> None:
    snippets = project / "templates/nginx/snippets"
    (snippets / "example.cn").mkdir(parents=True)
    for name in ("http.conf", "server-a.conf", "example.cn/location.conf"):
        (snippets / name).write_text(f"# {name}\n")
    run(project, "--out", str(tmp_path / "out"))
    release = "/opt/luodi/releases/<release>/nginx/snippets"
    whole = (tmp_path / "out/nginx/nginx.conf").read_text()
    site = (tmp_path / "out/nginx/sites/example.cn.conf").read_text()
    assert f"include {release}/http.conf;" in whole
    assert f"include {release}/server-a.conf;" in site
    assert f"include {release}/example.cn/location.conf;" in site
    assert (tmp_path / "out/nginx/snippets/http.conf").read_text() == "# http.conf\n"


def test_a_mistake_in_an_application_s_unit_is_one_error(project: Path, tmp_path: Path) -> None:
    (project / "app").mkdir()
    (project / "app/server.js").write_text("")
    app = {"content": "app", "command": ["node", "server.js"]}
    write(project, {"domain": "example.cn", "title": "示例", "kind": "proxy", "app": app})
    unit = project / "templates/server/units/app.service.j2"
    unit.parent.mkdir(parents=True)
    unit.write_text('{% extends "luodi/server/units/app.service.j2" %}\n{% block limits %}{{ cpu }}{% endblock %}')
    said = run(project, "--out", str(tmp_path / "out"))
    assert said.exit_code == 1
    assert said.output.startswith(f"Error: {unit}, line 2: 'cpu' is undefined\n")


@pytest.mark.parametrize(
    "name", ["main.conf", "other.cn/server.conf", "example.cn/http.conf", "a/b/server.conf", "server.conf.j2"]
)
def test_a_snippet_that_belongs_nowhere_is_named(project: Path, tmp_path: Path, name: str) -> None:
    file = project / "templates/nginx/snippets" / name
    file.parent.mkdir(parents=True)
    file.write_text("")
    said = run(project, "--out", str(tmp_path / "out"))
    assert said.exit_code == 1
    assert f"nginx/snippets/{name}" in said.output
    assert not (tmp_path / "out").exists()


def test_what_changed_is_shown(project: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    run(project, "--out", out)
    assert run(project, "--diff", out).output == ""
    write(project, {**SITE, "noindex": True})
    (project / "public/logo.png").unlink()
    said = run(project, "--diff", out, "--out", out)
    assert '+        return 200 "User-agent: *\\nDisallow: /\\n";' in said.output.splitlines()
    assert "gone: sites/example.cn/html/logo.png: 5 bytes -> nothing" in said.output.splitlines()
    assert "logo.png" not in " ".join(written(tmp_path / "out"))
    assert run(project, "--diff", out).output == ""


def test_a_number_changes_its_pages(project: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(project, "--out", str(out))
    (project / "public/index.html").write_text("<!doctype html><p>你好")
    (project / "public/frames.html").write_text("<!doctype html><frameset></frameset>")
    filing = {
        "subject": {"name": "示例", "province": "粤"},
        "icp": {"number": "粤ICP备2026068982号", "approved": "2026-02-03"},
    }
    write(project, SITE, **{"luodi:filing": filing})
    said = run(project, "--diff", str(out), "--out", str(out))
    assert said.stderr.startswith("public/frames.html gets no footer: it shows nothing at its end")
    shown = said.stdout.splitlines()
    footer = (out / "sites/example.cn/snippets/footer.html").read_text()
    assert "粤ICP备2026068982号" in footer
    assert f"+<!doctype html><p>你好{footer}" in shown
    for page in ("404", "429", "50x"):
        assert f"+{footer}</body>" in shown
        assert f"{footer}</body>" in (out / f"sites/example.cn/pages/{page}.html").read_text()
    assert (out / "sites/example.cn/html/frames.html").read_text() == "<!doctype html><frameset></frameset>"


def test_a_password_in_the_stack_s_secrets_is_not_needed(project: Path, tmp_path: Path) -> None:
    write(project, {**SITE, "areas": [{"path": "/", "users": {"me": {"secure": "v1:abc:def"}}}]})
    assert run(project, "--out", str(tmp_path / "out")).exit_code == 0
    file = tmp_path / "out/sites/example.cn/passwords/0"
    assert file.read_text() == "me:(encrypted-in-the-stack-file)\n"


def test_a_folder_of_something_else_is_left_alone(project: Path, tmp_path: Path) -> None:
    said = run(project, "--out", str(project))
    assert (said.exit_code, "has files that luodi did not write" in said.output) == (1, True)
    assert (project / "public/index.html").exists()


def test_a_place_that_can_t_be_written_is_told(project: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    said = run(project, "--out", str(tmp_path / "file" / "out"))
    assert (said.exit_code, said.stdout) == (1, "")
    assert said.stderr == f"Error: {tmp_path / 'file' / 'out' / 'nginx'}: Not a directory\n"


def test_mistakes_are_told(project: Path, tmp_path: Path) -> None:
    assert run(project).exit_code == 2
    write(project, {**SITE, "upstream": "127.0.0.1:3000"})
    said = run(project, "--out", str(tmp_path / "out"))
    assert said.exit_code == 1
    assert "luodi:site.upstream: is a setting of kind proxy, not static" in said.output
    write(project, {**SITE, "content": "missing"})
    said = run(project, "--out", str(tmp_path / "out"))
    assert (said.exit_code, "luodi:site.content: there is no folder" in said.output) == (1, True)


def test_an_application_is_part_of_it(project: Path, tmp_path: Path) -> None:
    (project / "server").mkdir()
    (project / "server/server.js").write_text("1")
    app = {"content": "server", "command": ["node", "server.js"]}
    write(project, {"domain": "example.cn", "title": "示例", "kind": "proxy", "app": app})
    said = run(project, "--out", str(tmp_path / "out"))
    assert said.exit_code == 0, said.output
    assert {"apps/example.cn/service", "sites/example.cn/app/server.js"} <= written(tmp_path / "out")
