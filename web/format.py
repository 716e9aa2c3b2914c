"""Times as people read them on pages: ages instead of dates, what is due."""

from __future__ import annotations

from datetime import UTC, datetime

from regress.words import count

_AGES = ((60, 1, "second"), (3600, 60, "minute"), (86_400, 3600, "hour"), (86_400 * 14, 86_400, "day"))
_LATER_AGES = ((86_400 * 70, 86_400 * 7, "week"), (86_400 * 730, 86_400 * 30.44, "month"))


def age(then: datetime, now: datetime | None = None) -> str:
    """How long ago, in one unit: "3 hours ago"; "just now" also for clocks that run ahead."""
    seconds = ((now or datetime.now(UTC)) - then).total_seconds()
    if seconds < 45:
        return "just now"
    for limit, size, name in _AGES + _LATER_AGES:
        if seconds < limit - size / 2:  # no "60 minutes"
            return f"{count(max(1, round(seconds / size)), name)} ago"
    return f"{count(round(seconds / (86_400 * 365.25)), 'year')} ago"


def is_old(then: datetime, days: int = 7) -> bool:
    """Whether ``days`` have passed: results of last week say little about today's code."""
    return (datetime.now(UTC) - then).total_seconds() > days * 86_400


def due(then: datetime, now: datetime | None = None) -> str:
    """A date that something is due at, in days: "due in 2 days", "due today", "3 days overdue"."""
    days = round((then - (now or datetime.now(UTC))).total_seconds() / 86_400)
    if not days:
        return "due today"
    return f"due in {count(days, 'day')}" if days > 0 else f"{count(-days, 'day')} overdue"


def factor(times: float) -> str:
    """How many times something is as large as it had to be: "4.9×"; beyond 100 it is no news."""
    return f"{times:.1f}×" if times < 10 else f"{times:.0f}×" if times < 100 else "over 100×"


def moment(then: datetime) -> str:
    """Date and time in UTC, for titles and tables."""
    return then.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def short(sha: str) -> str:
    """A commit hash as people quote it."""
    return sha[:10]
