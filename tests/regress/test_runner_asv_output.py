"""What asv 0.6.6 prints, understood; the texts are real, shortened where they repeat."""

from __future__ import annotations

from pathlib import Path

import pytest

from regress.errors import ConfigError
from regress.runner.asv_config import find_asv_config, read_asv_config
from regress.runner.asv_output import AsvOutput

FAILING = """\
· Creating environments
· Discovering benchmarks
·· Installing ba2bcee0 <main> into virtualenv-py3.11
· Running 3 total benchmarks (1 commits * 1 environments * 3 benchmarks)
[ 0.00%] · For tally commit ba2bcee0 <main>:
[ 0.00%] ·· Benchmarking virtualenv-py3.11
[33.33%] ··· speed.Mix.time_mix                                              ok
[33.33%] ··· ====== =========
               n
             ------ ---------
              2000   151±2μs
             ====== =========

[66.67%] ··· speed.time_boom                                             failed
[66.67%] ···· Traceback (most recent call last):
                File "/tmp/bench/speed.py", line 17, in time_boom
                  raise ValueError("kaboom <b>")
              ValueError: kaboom <b>
              asv: benchmark failed (exit status 1)
[100.00%] ··· speed.track_cells                                                5
"""

UNBUILT = """\
· Discovering benchmarks
·· Installing b6b74f45 <main~1> into virtualenv-py3.11
·· Error running python install.py (exit status 1)
   STDERR -------->
   SyntaxError: invalid syntax
·· Failed: trying different commit/environment
·· Installing ba2bcee0 <main> into virtualenv-py3.11
· Running 2 total benchmarks (1 commits * 1 environments * 2 benchmarks)
[ 0.00%] · For tally commit b6b74f45 <main~1>:
[ 0.00%] ·· Building for virtualenv-py3.11
[ 0.00%] ··· Error running python install.py (exit status 1)
             STDERR -------->
                 x = = 1
             SyntaxError: invalid syntax

[ 0.00%] ·· Skipping virtualenv-py3.11
[50.00%] ··· speed.Mix.time_mix skipped
[100.00%] ··· speed.track_cells skipped
"""


PARAMETERISED = """\
[22.22%] ··· execution.peakmem_run                                     2/3 failed
[22.22%] ··· ========== ========
              program
             ---------- --------
               sieve      150M
              compress   failed
              quickjs    failed
             ========== ========
             For parameters: 'quickjs'
             asv: benchmark timed out (timeout 60.0s)

[22.22%] ···· For parameters: 'compress'
              ValueError: kaboom

              For parameters: 'quickjs'

              asv: benchmark timed out (timeout 60.0s)

[33.33%] ··· execution.time_run                                           ok
"""


def read(text: str) -> AsvOutput:
    output = AsvOutput()
    for line in text.splitlines():
        output.feed(line, True)
    return output


def test_a_failing_benchmark_keeps_its_traceback() -> None:
    output = read(FAILING)
    assert list(output.benchmark_logs) == ["speed.time_boom"]
    log = "\n".join(output.benchmark_logs["speed.time_boom"])
    assert log.startswith("Traceback")
    assert "kaboom <b>" in log
    assert "track_cells" not in log
    assert output.environments == ["virtualenv-py3.11"]
    assert output.unbuilt == {}
    assert output.fraction == 1.0


def test_each_parameter_has_its_own_log() -> None:
    output = read(PARAMETERISED)

    def log(value: str) -> list[str]:
        found = output.log_of("execution.peakmem_run", (("program", value),))
        return [line.strip() for line in found if line.strip()]

    assert log("'compress'") == ["ValueError: kaboom"]
    assert log("'quickjs'") == ["asv: benchmark timed out (timeout 60.0s)"]
    assert output.log_of("execution.time_run", ()) == []


def test_a_commit_that_does_not_build_is_told_from_failing_benchmarks() -> None:
    output = read(UNBUILT)
    assert "SyntaxError: invalid syntax" in "\n".join(output.unbuilt["virtualenv-py3.11"])
    assert output.benchmark_logs == {}
    assert not output.no_suite


def test_giving_up_is_noticed() -> None:
    head = UNBUILT.split("·· Failed:")[0]
    assert read(head + "·· Failed to build the project and import the benchmark suite.\n").no_suite


def test_progress_shows_unfinished_lines_too() -> None:
    output = AsvOutput()
    assert output.feed("[33.33%] ··· speed.Mix.time_mix", False)
    assert (output.fraction, output.text) == (0.3333, "speed.Mix.time_mix")
    assert not output.feed("             ====== =========", True)


def test_the_configuration_may_have_comments_and_stand_in_a_folder(tmp_path: Path) -> None:
    assert find_asv_config(tmp_path) is None
    folder = tmp_path / "asv_bench"
    folder.mkdir()
    (folder / "asv.conf.json").write_text('{\n  // where\n  "repo": "..", "results_dir": ".asv/results",\n}')
    found = find_asv_config(tmp_path)
    assert found is not None
    config = read_asv_config(found)
    assert config.results == folder / ".asv/results"
    assert config.benchmarks == folder / "benchmarks"
    assert config.hash_length == 8


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"repo": ".",\n "project" oops}', "line 2"),
        ("{}", "repo: missing"),
        ('{"repo": ".", "results_dir": 3}', "results_dir: expected the name of a folder, found 3"),
    ],
)
def test_a_wrong_configuration_is_one_clear_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "asv.conf.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        read_asv_config(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
