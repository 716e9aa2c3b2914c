"""The doctor: finds what stops the work and what disturbs results, and says what to do."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from regress.service.doctor import Finding, Level, doctor, machine_noise
from tests.regress.fixtures.asv import asv_home
from tests.regress.fixtures.repos import GitRepo, make_repo

__all__ = ["asv_home"]


def by_check(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.check: finding for finding in findings}


def test_a_sound_project(tmp_path: Path, asv_home: Path) -> None:
    make_repo(tmp_path / "repo", commits=3)
    found = by_check(doctor(tmp_path / "repo"))
    assert found["repository"].text.endswith("branch main, 3 commits")
    assert found["suite"].text.startswith("asv ")
    assert found["database"].level is Level.OK
    assert (found["results"].level, found["results"].advice) == (Level.WARN, "regress run --last 3")
    assert all(finding.level is not Level.FAIL for finding in found.values())


def test_each_trouble_has_its_advice(tmp_path: Path, asv_home: Path) -> None:
    repo = make_repo(tmp_path / "repo", commits=3)
    database = repo.path / "notes.db"
    database.write_text("this is no database" * 100)
    (repo.path / "asv.conf.json").write_text("{")
    found = by_check(doctor(repo.path, database=str(database)))
    assert found["database"].level is Level.FAIL
    assert found["suite"].level is Level.FAIL
    assert "asv.conf.json" in found["suite"].text
    assert found["work tree"].level is Level.WARN


def test_a_shallow_clone_and_no_repository(tmp_path: Path) -> None:
    repo = GitRepo(tmp_path / "repo")
    repo.commit("one")
    repo.commit("two")
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", "--depth=1", f"file://{repo.path}", str(clone)], check=True)
    found = by_check(doctor(clone))
    assert found["repository"].level is Level.FAIL
    assert found["repository"].advice == "git fetch --unshallow"
    (tmp_path / "plain").mkdir()
    assert by_check(doctor(tmp_path / "plain"))["project"].level is Level.FAIL


def test_a_stale_environment_is_named(tmp_path: Path, asv_home: Path) -> None:
    repo = make_repo(tmp_path / "repo", commits=1)
    folder = repo.path / ".asv/env/0123/bin"
    folder.mkdir(parents=True)
    (folder / "python").symlink_to(tmp_path / "removed")
    assert str(folder.parent) in by_check(doctor(repo.path))["asv environment"].advice


@pytest.mark.parametrize(
    ("file", "text", "check"),
    [
        ("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n", "cpu frequency"),
        ("sys/devices/system/cpu/intel_pstate/no_turbo", "0\n", "turbo"),
        ("sys/devices/system/cpu/smt/active", "1\n", "hyper-threading"),
        ("proc/cpuinfo", "flags : fpu hypervisor lahf\n", "virtual machine"),
        ("proc/loadavg", "99.0 98.0 97.0 3/300 1\n", "load"),
    ],
)
def test_noise_of_the_machine(tmp_path: Path, file: str, text: str, check: str) -> None:
    quiet = list(machine_noise(tmp_path))
    assert [finding.level for finding in quiet] == [Level.OK]
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text(text)
    found = by_check(list(machine_noise(tmp_path)))[check]
    assert found.level is Level.WARN
    assert found.advice
