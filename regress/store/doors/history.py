"""Commits and branches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from regress.domain import Commit, CommitStatus
from regress.store import history
from regress.store.doors.base import Door


class History(Door):
    """What the store knows of branches and their commits."""

    def record_commits(self, branch: str, commits: Sequence[Commit], *, default: bool = False) -> None:
        """Tell the store a stretch of ``branch``'s first-parent history, oldest first; repeat at will.

        Where it contradicts what was known (a rewritten branch), the new telling wins and what followed
        the first contradiction leaves the branch; its measurements stay. ``default`` marks the project's
        main branch.
        """
        with self._db.write() as session:
            history.record_commits(session, self._db.project_id, branch, commits, default=default)

    def commits(
        self, branch: str, *, last: int | None = None, span: tuple[int, int] | None = None
    ) -> list[Commit]:
        """The commits of a branch, oldest first; empty for an unknown branch.

        Only those at the positions ``span`` (first and last), and only the ``last`` ones of them.
        """
        with self._db.read() as session:
            return history.commits(session, self._db.project_id, branch, last=last, span=span)

    def located(self, branch: str, shas: Iterable[str]) -> dict[str, Commit]:
        """Of some commits (full hashes) those that are on a branch, by hash."""
        with self._db.read() as session:
            return history.located(session, self._db.project_id, branch, shas)

    def commit(self, revision: str) -> Commit:
        """The commit whose hash starts with ``revision``, or the tip of the branch of that name.

        UnknownNameError (kind "commit") when there is none, or several; ``position`` is -1 when no branch
        known to the store has it.
        """
        with self._db.read() as session:
            return history.commit(session, self._db.project_id, revision)

    def branches(self) -> list[str]:
        """Names of all branches, the default one first."""
        with self._db.read() as session:
            return history.branches(session, self._db.project_id)

    def default_branch(self) -> str | None:
        """The branch marked as default, else the first recorded one; None in an empty store."""
        return next(iter(self.branches()), None)

    def commit_statuses(
        self, branch: str, last: int | None = None, *, span: tuple[int, int] | None = None
    ) -> list[CommitStatus]:
        """How commits of a branch (chosen as in ``commits``) stand: series measured, and failures."""
        with self._db.read() as session:
            return history.commit_statuses(session, self._db.project_id, branch, last, span)
