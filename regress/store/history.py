"""Commits and branches: history as it was told, in the order of the first-parent chain."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, Select, bindparam, delete, select, update
from sqlalchemy.orm import Session

from regress.domain import Commit, CommitStatus, Failure
from regress.errors import UnknownNameError
from regress.store import failures, summaries
from regress.store.dictionary import batches
from regress.store.models import Base, BranchCommitRow, BranchRow, CommitRow

Span = tuple[int, int]
"""The first and the last position of a stretch of a branch."""

_EPOCH = datetime.fromtimestamp(0, UTC)


def branch_id(session: Session, project_id: int, name: str, *, create: bool = False) -> int | None:
    """The id of a branch; with ``create`` it is made when missing."""
    wanted = (BranchRow.project_id == project_id, BranchRow.name == name)
    found = session.scalar(select(BranchRow.id).where(*wanted))
    if found is not None or not create:
        return found
    row = BranchRow(project_id=project_id, name=name)
    session.add(row)
    session.flush()
    return row.id


_COMMITS = Base.metadata.tables[CommitRow.__tablename__]
_NAMED = select(_COMMITS.c.sha, _COMMITS.c.id).where(_COMMITS.c.sha.in_(bindparam("shas", expanding=True)))


def commit_ids(session: Session, shas: Iterable[str]) -> dict[str, int]:
    """The ids of commits by hash; those that are missing are made, known by their hash only."""
    wanted = list(dict.fromkeys(shas))
    ids: dict[str, int] = {}
    for batch in batches(wanted):
        ids.update((sha, id_) for sha, id_ in session.execute(_NAMED, {"shas": batch}))
    missing = [CommitRow(sha=sha) for sha in wanted if sha not in ids]
    session.add_all(missing)
    session.flush()
    ids.update((row.sha, row.id) for row in missing)
    return ids


def record_commits(
    session: Session, project_id: int, branch: str, commits: Sequence[Commit], *, default: bool
) -> None:
    """See ``Store.record_commits``."""
    branch_key = branch_id(session, project_id, branch, create=True)
    if default:
        session.execute(
            update(BranchRow)
            .where(BranchRow.project_id == project_id)
            .values(is_default=BranchRow.id == branch_key)
        )
    if not commits:
        return
    ids = commit_ids(session, (commit.sha for commit in commits))
    for commit in commits:
        row = session.get_one(CommitRow, ids[commit.sha])
        row.parents, row.author, row.subject = " ".join(commit.parents), commit.author, commit.subject
        row.authored_at, row.committed_at = commit.authored_at, commit.committed_at
    places = {ids[commit.sha]: commit.position for commit in commits}
    _place(session, int(branch_key or 0), places)


def _place(session: Session, branch_key: int, places: dict[int, int]) -> None:
    """Put commits at their positions; what followed the first contradiction goes, unless told again."""
    here = BranchCommitRow.branch_id == branch_key
    rows = session.execute(select(BranchCommitRow.commit_id, BranchCommitRow.position).where(here))
    known: dict[int, int] = dict(rows.all())
    taken = {position: id_ for id_, position in known.items()}
    conflicts = [position for id_, position in places.items() if taken.get(position, id_) != id_]
    conflicts += [min(known[id_], p) for id_, p in places.items() if known.get(id_, p) != p]
    if conflicts:
        first = min(conflicts)
        session.execute(delete(BranchCommitRow).where(here, BranchCommitRow.position >= first))
        known = {id_: position for id_, position in known.items() if position < first}
    new = {id_: position for id_, position in places.items() if id_ not in known}
    session.add_all(
        BranchCommitRow(branch_id=branch_key, commit_id=id_, position=position)
        for id_, position in new.items()
    )
    session.flush()
    if conflicts:
        summaries.recount(session, branch_key)
    else:
        summaries.placed(session, branch_key, new)


_TOLD = (
    *(CommitRow.sha, CommitRow.parents, CommitRow.author, CommitRow.subject),
    *(CommitRow.authored_at, CommitRow.committed_at),
)
"""What a commit is, as columns: whole entities take ten times as long."""


def _commit(row: CommitRow | Row[Any], position: int) -> Commit:
    return Commit(
        sha=row.sha,
        parents=tuple(row.parents.split()),
        author=row.author,
        authored_at=row.authored_at or _EPOCH,
        committed_at=row.committed_at or _EPOCH,
        subject=row.subject,
        position=position,
    )


def _on_branch(session: Session, project_id: int, branch: str) -> Select[*tuple[Any, ...]]:
    """Commits of a branch, whose id is given as a value, so that an index of it serves."""
    return (
        select(*_TOLD, BranchCommitRow.position)
        .join(BranchCommitRow, BranchCommitRow.commit_id == CommitRow.id)
        .where(BranchCommitRow.branch_id == branch_id(session, project_id, branch))
    )


def commits(
    session: Session, project_id: int, branch: str, *, last: int | None = None, span: Span | None = None
) -> list[Commit]:
    """See ``Store.commits``."""
    newest_first = (
        _on_branch(session, project_id, branch).order_by(BranchCommitRow.position.desc()).limit(last)
    )
    if span is not None:
        newest_first = newest_first.where(BranchCommitRow.position.between(*span))
    return [_commit(row, row.position) for row in session.execute(newest_first)][::-1]


def located(session: Session, project_id: int, branch: str, shas: Iterable[str]) -> dict[str, Commit]:
    """See ``Store.located``; asked for by their ids, or SQLite reads all of the branch for a few of it."""
    found: dict[str, Commit] = {}
    here = _on_branch(session, project_id, branch)
    for batch in batches(dict.fromkeys(shas)):
        wanted = select(CommitRow.id).where(CommitRow.sha.in_(batch))
        rows = session.execute(here.where(BranchCommitRow.commit_id.in_(wanted)))
        found.update((row.sha, _commit(row, row.position)) for row in rows)
    return found


def commit(session: Session, project_id: int, revision: str) -> Commit:
    """See ``Store.commit``."""
    tip = commits(session, project_id, revision, last=1)
    if tip:
        return tip[0]
    prefix = revision.lower()
    known = CommitRow.sha.startswith(prefix, autoescape=True)
    rows = session.scalars(select(CommitRow).where(known).limit(2)).all() if prefix else []
    exact = [row for row in rows if row.sha == prefix]
    if len(exact or rows) != 1:
        raise UnknownNameError("commit", revision, _near(session, project_id, [row.sha for row in rows]))
    found = (exact or list(rows))[0]
    place = (
        select(BranchCommitRow.position)
        .join(BranchRow)
        .where(BranchRow.project_id == project_id, BranchCommitRow.commit_id == found.id)
        .order_by(BranchRow.is_default.desc(), BranchRow.id)
    )
    return _commit(found, next(iter(session.scalars(place)), -1))


def _near(session: Session, project_id: int, ambiguous: list[str]) -> list[str]:
    """Names to suggest: the hashes a prefix is short for, or branches and recent commits."""
    recent = select(CommitRow.sha).order_by(CommitRow.id.desc()).limit(200)
    return ambiguous or branches(session, project_id) + [sha[:10] for sha in session.scalars(recent)]


def branches(session: Session, project_id: int) -> list[str]:
    """See ``Store.branches``."""
    rows = select(BranchRow.name).where(BranchRow.project_id == project_id)
    return list(session.scalars(rows.order_by(BranchRow.is_default.desc(), BranchRow.id)))


def commit_statuses(
    session: Session, project_id: int, branch: str, last: int | None, span: Span | None
) -> list[CommitStatus]:
    """See ``Store.commit_statuses``."""
    listed = commits(session, project_id, branch, last=last, span=span)
    if not listed:
        return []
    branch_key = branch_id(session, project_id, branch)
    counts = _measured(session, branch_key or 0, (listed[0].position, listed[-1].position))
    failed: defaultdict[str, list[Failure]] = defaultdict(list)
    for failure in failures.failures(session, project_id, None, latest_only=False):
        failed[failure.commit].append(failure)
    return [CommitStatus(c, counts.get(c.sha, 0), tuple(failed.get(c.sha, ()))) for c in listed]


def _measured(session: Session, branch_key: int, span: Span) -> dict[str, int]:
    """How many series of a branch have a measurement, by commit, between two positions."""
    rows = session.execute(
        select(CommitRow.sha, BranchCommitRow.measured)
        .join(CommitRow, CommitRow.id == BranchCommitRow.commit_id)
        .where(BranchCommitRow.branch_id == branch_key, BranchCommitRow.position.between(*span))
    )
    return {sha: measured for sha, measured in rows if measured}
