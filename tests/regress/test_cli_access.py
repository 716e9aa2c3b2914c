"""``regress user``, ``token`` and ``audit``, and who is served where."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from regress.cli import main
from tests.regress.fixtures.repos import GitRepo


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository in which the commands run."""
    made = GitRepo(tmp_path / "repo")
    made.commit("first")
    monkeypatch.chdir(made.path)
    return made.path


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Exit code, output and complaints of a command."""
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


def test_people_come_change_and_go(
    repo: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("a long enough one\nanother long one\n"))
    code, out, err = run(capsys, "user", "add", "ann", "--role", "triager", "--password-stdin")
    assert (code, err) == (0, "")
    assert 'still to do: login = "password"' in out
    assert run(capsys, "user", "role", "ann", "admin")[0] == 0
    assert run(capsys, "user", "password", "ann", "--password-stdin")[0] == 0
    assert json.loads(run(capsys, "user", "list", "--json")[1]) == [{"name": "ann", "role": "admin"}]
    assert run(capsys, "user", "remove", "ann")[0] == 0
    deeds = json.loads(run(capsys, "audit", "--json")[1])
    assert [deed["action"] for deed in deeds] == ["remove user", "change password", "change role", "add user"]
    assert {deed["how"] for deed in deeds} == {"command line"}
    assert "add user user ann triager" in run(capsys, "audit", "--target", "user ann")[1]
    assert not (repo / ".regress" / "passwords").read_text()


def test_tokens_are_shown_once_and_end(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, secret, err = run(capsys, "token", "new", "ci", "--scope", "push", "--scope", "read", "--days", "7")
    assert (code, len(secret.strip())) == (0, 51)
    assert "not shown again" in err
    (token,) = json.loads(run(capsys, "token", "list", "--json")[1])
    assert (token["name"], token["scopes"], token["revoked_at"]) == ("ci", ["push", "read"], None)
    assert run(capsys, "token", "new", "ci")[2].startswith("error: there is a token 'ci' already")
    assert run(capsys, "token", "revoke", "ci")[0] == 0
    assert "revoked" in run(capsys, "token", "list")[1]
    assert run(capsys, "token", "new", "ci")[0] == 0
    held = b"".join(path.read_bytes() for path in (repo / ".regress").glob("regress.db*"))
    assert secret.strip().encode() not in held


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["user", "add", "ann", "--role", "boss", "--password-stdin"], "unknown role 'boss'"),
        (["user", "add", "ann"], "no terminal to ask"),
        (["user", "remove", "ann"], "unknown user 'ann'"),
        (["token", "new", "ci", "--scope", "all"], "unknown scope 'all'"),
        (["token", "revoke", "ci"], "unknown token 'ci'"),
        (["push", "http://127.0.0.1:9"], "no token in the environment variable REGRESS_TOKEN: it is empty"),
        (["serve", "--host", "0.0.0.0", "--port", "0"], "serving on 0.0.0.0 takes a log-in"),
    ],
)
def test_what_cannot_be_is_one_clear_line(
    words: list[str], complaint: str, repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run(capsys, *words)
    assert code == 2
    assert complaint in err.splitlines()[0]
