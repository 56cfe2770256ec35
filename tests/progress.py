"""A line for each file of tests that is done, whichever worker did it (`-p tests.progress`)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Generator, Sequence

import pytest

_Status = tuple[str, str, str]


class Progress:
    """Follows a run, in the process that reports."""

    def __init__(self, config: pytest.Config) -> None:
        self._plugins = config.pluginmanager
        self._tests: Counter[str] = Counter()
        self._done: Counter[str] = Counter()
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._files = 0

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._expect([item.nodeid for item in session.items])

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: object, ids: Sequence[str]) -> None:
        self._expect(ids)

    def _expect(self, tests: Sequence[str]) -> None:
        self._tests = Counter(map(_file, tests))

    def _say(self, line: str, **markup: bool) -> None:
        reporter = self._plugins.get_plugin("terminalreporter")
        if reporter is not None:
            reporter.write_line(line, **markup)

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(self) -> Generator[None, _Status, _Status]:
        """Count each test as always, and print no letter for it."""
        category, _letter, _word = yield
        return category, "", ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        file = _file(report.nodeid)
        self._seconds[file] += report.duration
        if report.failed:
            self._say(f"FAILED {report.nodeid} ({report.when})", red=True)
        if report.when == "teardown":
            self._done[file] += 1
            if self._done[file] == self._tests[file]:
                self._files += 1
                count = f"{self._files}/{len(self._tests)}"
                self._say(f"{count:>8}  {self._seconds[file]:6.1f} s  {file} ({self._tests[file]})")


def pytest_configure(config: pytest.Config) -> None:
    """Follow the run where it is reported, which no worker does."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Progress(config))


def _file(test: str) -> str:
    return test.partition("::")[0]
