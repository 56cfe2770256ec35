"""Keys that lead into a section, as `pulumi new` and `pulumi config set` without --path write them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from luodi.cli import main
from luodi.settings import Settings, sections
from luodi.settings.flat import structured
from tests.unit.test_settings import GOOD, refusal

ASKED: Mapping[str, Any] = {
    "tencentcloud:region": "ap-guangzhou",
    "luodi:site.domain": "example.cn",
    "luodi:site.title": "示例科技",
    "luodi:server.kind": "lighthouse",
    "luodi:server.bundle": "bundle_starter_mc_promo_med2_01",
    "luodi:server.period": "12",
    "luodi:server.protect": "true",
    "luodi:filing.subject.name": "示例科技有限公司",
    "luodi:filing.subject.province": "粤",
}
WRITTEN: Mapping[str, Any] = {
    "tencentcloud:region": "ap-guangzhou",
    "luodi:site": {"domain": "example.cn", "title": "示例科技"},
    "luodi:server": {
        "kind": "lighthouse",
        "bundle": "bundle_starter_mc_promo_med2_01",
        "period": 12,
        "protect": True,
    },
    "luodi:filing": {"subject": {"name": "示例科技有限公司", "province": "粤"}},
}


def test_they_say_the_same() -> None:
    assert Settings.parse(ASKED) == Settings.parse(WRITTEN)


def test_a_section_may_be_said_in_both_ways() -> None:
    both = {**WRITTEN, "luodi:site": {"domain": "example.cn"}, "luodi:site.title": "示例科技"}
    number = {"number": "粤ICP备2026068982号-1", "approved": "2026-11-18"}
    settings = Settings.parse({**both, "luodi:filing.icp": number})
    assert settings.main.site.title == "示例科技"
    assert str(settings.main.filing.page_number) == number["number"]


def test_a_setting_is_said_once() -> None:
    twice = "is set in luodi:site too; leave one of the two out"
    assert refusal({**GOOD, "luodi:site.domain": "other.cn"}) == [f"luodi:site.domain: {twice}"]
    assert refusal({**GOOD, "luodi:site.domain.name": "other.cn"}) == [f"luodi:site.domain.name: {twice}"]


def test_they_are_judged_as_what_they_stand_for() -> None:
    assert refusal({**GOOD, "luodi:site.tittle": "x"}) == ["luodi:site.tittle: is not a setting; did you mean title?"]
    assert refusal({**GOOD, "luodi:server.period": "13"})[0].startswith("luodi:server.period: must be one of 1, 2, 3")
    assert refusal({**GOOD, "luodi:sight.domain": "x"})[0].startswith("luodi:sight.domain: is not a setting")


def _flat(prefix: str, there: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in there.items():
        if isinstance(value, dict) and value:
            yield from _flat(f"{prefix}.{key}", value)
        else:
            yield f"{prefix}.{key}", value


_KEY = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=8)
_SECTION = st.recursive(
    st.booleans() | st.integers(-(10**9), 10**9) | st.text("示例 x.", max_size=5),
    lambda inner: st.dictionaries(_KEY, inner, min_size=1, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(list(sections())), st.dictionaries(_KEY, _SECTION, min_size=1), max_size=3))
def test_whatever_is_taken_apart_is_put_together(said: Mapping[str, Mapping[str, Any]]) -> None:
    whole = {f"luodi:{section}": dict(values) for section, values in said.items()}
    apart = dict(pair for section, values in whole.items() for pair in _flat(section, values))
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in apart.items()}
    for written in (apart, texts):
        found, problems = structured(written, "luodi", sections())
        assert (found, problems) == (whole, [])
    assert structured(whole, "luodi", sections()) == (whole, [])


def test_commands_read_them(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (tmp_path / "Pulumi.dev.yaml").write_text(yaml.safe_dump({"config": dict(ASKED)}, allow_unicode=True), "utf-8")
    command = ["stack", "new", "staging", "--from", "dev", "--cwd", str(tmp_path)]
    done = CliRunner().invoke(main, command, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    made = yaml.safe_load((tmp_path / "Pulumi.staging.yaml").read_text("utf-8"))["config"]
    assert made["luodi:site"]["domain"] == "staging.example.cn"
    assert made["luodi:filing"] == WRITTEN["luodi:filing"]
    compared = CliRunner().invoke(main, ["compare", "staging", "dev", "--json", "--cwd", str(tmp_path)])
    differences = json.loads(compared.stdout)["declared"]
    assert "luodi:server.protect" in {each["key"] for each in differences}
    assert all(each["expected"] for each in differences)
