"""A repository's history as the platform sees it: first-parent commits of a branch, revisions, ranges.

    History(path) ── default_branch() ── commits(branch) ── resolve("v1.2") ── select("A..B")

A commit's position is its first-parent distance from the branch's root, so that a merge counts once and
positions never change while history only grows. That needs the whole history: a shallow clone is refused
with the command that completes it.
"""

from __future__ import annotations

from collections.abc import Hashable
from datetime import UTC, datetime
from pathlib import Path

import git

from regress.domain import ChangedFile, Commit
from regress.errors import HistoryError, UnknownRevisionError
from regress.runner.refs import refs_stamp

_FIELDS = ("%H", "%P", "%aN", "%at", "%ct", "%s")
"""What git tells of a commit. Fields end in NUL, the one character that no commit can hold."""

_LAST_SECOND = 253_402_300_799  # of the year 9999: git takes any number for a date

_USUAL_NAMES = ("main", "master", "trunk", "develop")


class History:
    """Reads one repository. Nothing here writes to it."""

    def __init__(self, path: Path | str) -> None:
        """Open the repository that holds ``path``; HistoryError when there is none."""
        try:
            self._repo = git.Repo(path, search_parent_directories=True)
        except (git.InvalidGitRepositoryError, git.NoSuchPathError) as error:
            hint = "Run this inside a git checkout, or name one with --repo."
            raise HistoryError(path, "not a git repository", hint=hint) from error
        self.root = Path(self._repo.working_tree_dir or self._repo.git_dir)

    def default_branch(self) -> str:
        """The branch under watch when nobody says: the remote's HEAD, git's configured name, a usual name,
        else what is checked out.
        """
        branches = self.branches()
        candidates = [self._remote_head(), self._configured_name(), *_USUAL_NAMES, self._checked_out()]
        for name in candidates:
            if name and name in branches:
                return name
        if branches:
            return branches[0]
        self._refuse_unborn()
        raise HistoryError(self.root, "has no branch", hint="Check one out: git switch -c main")

    def branches(self) -> list[str]:
        """Local branches, then remote ones that have no local counterpart, by their short names."""
        local = [head.name for head in self._repo.heads]
        remote = [name for name in self._remote_branches() if name not in local]
        return local + remote

    def head(self) -> str:
        """The checked-out commit."""
        return self.resolve("HEAD")

    def origin(self) -> str:
        """The address of the remote "origin"; empty where there is none."""
        remotes = {remote.name: remote for remote in self._repo.remotes}
        return str(remotes["origin"].url) if "origin" in remotes else ""

    def resolve(self, revision: str) -> str:
        """The full sha of a branch, tag (annotated or not), sha prefix or expression like ``HEAD~3``."""
        for candidate in (revision, f"origin/{revision}"):
            sha = self._rev_parse(candidate)
            if sha:
                return sha
        self._refuse_unborn()
        known = [*self.branches(), *(tag.name for tag in self._repo.tags), "HEAD"]
        raise UnknownRevisionError(self.root, revision, known)

    def commits(self, branch: str, last: int | None = None) -> list[Commit]:
        """First-parent commits of ``branch`` (or any revision), oldest first; only the ``last`` of them."""
        tip = self.resolve(branch)
        self._refuse_shallow()
        total = int(self._git("rev-list", "--count", "--first-parent", tip))
        limit = [f"--max-count={last}"] if last is not None else []
        layout = "%x00".join(_FIELDS)
        output = self._git("log", "-z", "--first-parent", f"--format={layout}", *limit, tip, "--")
        told = iter(output.split("\0"))
        records = zip(*[told] * len(_FIELDS), strict=False)  # what is left is the end of the last one
        newest_first = [_commit(record, total - 1 - step) for step, record in enumerate(records)]
        return newest_first[::-1]

    def select(self, revision: str, branch: str) -> list[Commit]:
        """The branch's commits that ``revision`` means: one commit, or a range ``A..B``; oldest first.

        HistoryError when a commit is not on the branch's first-parent line: it has no position there.
        """
        if ".." not in revision:
            wanted = {self.resolve(revision)}
        else:
            start, _, end = revision.replace("...", "..").partition("..")
            first = self.resolve(start) if start else None
            arguments = [self.resolve(end or "HEAD"), *([f"^{first}"] if first else []), "--"]
            wanted = set(self._git("rev-list", "--first-parent", *arguments).split())
        found = [commit for commit in self.commits(branch) if commit.sha in wanted]
        if len(found) < len(wanted):
            hint = "Name the branch that holds it with --branch, or set it in regress.toml."
            raise HistoryError(self.root, f"{revision!r} is not on branch {branch!r}", hint=hint)
        return found

    def changed_files(self, before: str, after: str) -> list[ChangedFile]:
        """The files that differ between two commits, by path. HistoryError when git does not have them."""
        ends = [self.resolve(before), self.resolve(after)]
        told = self._git(
            "diff", "--numstat", "-z", "--no-renames", "--no-ext-diff", "--no-textconv", *ends, "--"
        )
        lines = (line.split("\t", 2) for line in told.split("\0") if line)
        return [ChangedFile(path, _lines(added), _lines(removed)) for added, removed, path in lines]

    def touched(self, before: str, after: str) -> dict[str, tuple[str, ...]]:
        """The files that each first-parent commit after ``before`` up to ``after`` touches, by its sha."""
        span = f"{self.resolve(before)}..{self.resolve(after)}"
        mark = "\x01"
        told = self._git(
            "log",
            "-z",
            "--first-parent",
            "-m",
            "--name-only",
            "--no-renames",
            f"--format={mark}%H",
            span,
            "--",
        )
        found: dict[str, list[str]] = {}
        files: list[str] = []
        for piece in told.split("\0"):
            if piece.startswith(mark):
                sha, _, piece = piece.removeprefix(mark).partition("\n")
                files = found.setdefault(sha, [])
            files += [name for name in (piece.removeprefix("\n"),) if name]
        return {sha: tuple(names) for sha, names in found.items()}

    def files(self, revision: str) -> list[str]:
        """The paths of a commit's files."""
        told = self._git("ls-tree", "-r", "-z", "--name-only", "--full-tree", self.resolve(revision))
        return [path for path in told.split("\0") if path]

    def matching(self, revision: str, pattern: str, files: str) -> list[tuple[str, str]]:
        """Path and line of all that matches an extended regular expression in a commit's text ``files``."""
        sha = self.resolve(revision)
        try:
            told = str(
                self._repo.git.grep("-I", "-z", "--full-name", "-E", "-e", pattern, sha, "--", f":/{files}")
            )
        except git.GitCommandError as error:
            if error.status == 1:  # nothing does
                return []
            raise HistoryError(self.root, f"git grep: {error}") from error
        rows = (line.split("\0", 1) for line in told.split("\n") if "\0" in line)
        return [(name.removeprefix(f"{sha}:"), line) for name, line in rows]

    def merge_base(self, a: str, b: str) -> str:
        """The newest commit that two revisions both come from; HistoryError when there is none."""
        first, second = self.resolve(a), self.resolve(b)
        try:
            return str(self._repo.git.merge_base(first, second)).split()[0]
        except git.GitCommandError as error:
            self._refuse_shallow()
            hint = "Name the commit to compare with: --base REV."
            raise HistoryError(self.root, f"{a!r} and {b!r} have no commit in common", hint=hint) from error

    def parent(self, sha: str) -> str:
        """The first parent of a commit; HistoryError when it has none, or this clone lacks it."""
        found = self._rev_parse(f"{sha}~1")
        if found is None:
            self._refuse_shallow()
            hint = "Name the commit to compare with: --base REV."
            raise HistoryError(self.root, f"{sha[:10]} is the first commit: nothing came before", hint=hint)
        return found

    def snapshot(self) -> str:
        """The work tree's tracked files as a commit that no branch has; HEAD where nothing is changed."""
        if not self.is_dirty():
            return self.head()
        return self._git("stash", "create") or self.head()

    def tags(self) -> dict[str, str]:
        """The commit of each tag, by the tag's name."""
        layout = "--format=%(objectname) %(*objectname) %(refname:strip=2)"
        rows = (line.split(" ", 2) for line in self._git("for-each-ref", layout, "refs/tags").splitlines())
        return {name: peeled or sha for sha, peeled, name in rows}

    def tags_stamp(self) -> Hashable:
        """What is another value once a tag was made, moved or deleted: tells that without starting git."""
        return refs_stamp(Path(self._repo.common_dir), "refs/tags")

    def is_dirty(self) -> bool:
        """Whether the work tree has uncommitted changes (they are not measured)."""
        return not self._repo.bare and self._repo.is_dirty(untracked_files=False)

    def is_shallow(self) -> bool:
        """Whether the clone lacks older history."""
        return self._git("rev-parse", "--is-shallow-repository") == "true"

    def _git(self, command: str, *arguments: str) -> str:
        try:
            text = str(getattr(self._repo.git, command.replace("-", "_"))(*arguments))
        except git.GitCommandError as error:
            detail = str(error.stderr).strip().splitlines()
            raise HistoryError(self.root, f"git {command}: {detail[-1] if detail else error}") from error
        # Names and subjects in another encoding arrive as surrogates, which no database takes.
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")

    def _rev_parse(self, revision: str) -> str | None:
        if not revision or revision.startswith("-"):
            return None  # git would take it for an option
        try:
            return str(self._repo.git.rev_parse("--verify", "--quiet", revision + "^{commit}"))
        except git.GitCommandError:
            return None

    def _refuse_shallow(self) -> None:
        if self.is_shallow():
            hint = "Complete it with: git fetch --unshallow   (in GitHub Actions: fetch-depth: 0)"
            raise HistoryError(self.root, "is a shallow clone: its history is cut off", hint=hint)

    def _refuse_unborn(self) -> None:
        if self._rev_parse("HEAD") is None and not self.branches():
            raise HistoryError(self.root, "has no commits yet", hint="Commit something first: git commit")

    def _remote_head(self) -> str | None:
        try:
            target = str(self._repo.git.symbolic_ref("--quiet", "refs/remotes/origin/HEAD"))
        except git.GitCommandError:
            return None
        return target.removeprefix("refs/remotes/origin/")

    def _configured_name(self) -> str | None:
        name = self._repo.config_reader().get_value("init", "defaultBranch", "")
        return str(name) or None

    def _checked_out(self) -> str | None:
        return None if self._repo.head.is_detached else self._repo.active_branch.name

    def _remote_branches(self) -> list[str]:
        lines = self._git("for-each-ref", "--format=%(refname)", "refs/remotes/origin").splitlines()
        names = [line.removeprefix("refs/remotes/origin/") for line in lines]
        return [name for name in names if name != "HEAD"]


def _lines(text: str) -> int | None:
    return int(text) if text.isdigit() else None


def _commit(record: tuple[str, ...], position: int) -> Commit:
    sha, parents, author, authored, committed, subject = record
    return Commit(
        sha=sha,
        parents=tuple(parents.split()),
        author=author,
        authored_at=_moment(authored),
        committed_at=_moment(committed),
        subject=subject,
        position=position,
    )


def _moment(seconds: str) -> datetime:
    """A time as git tells it; what no calendar here can hold becomes its last second."""
    return datetime.fromtimestamp(min(int(seconds), _LAST_SECOND), UTC)
