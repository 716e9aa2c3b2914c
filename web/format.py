"""Numbers and times as people read them: units scaled, signs said, ages instead of dates."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime

_SECONDS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
_BYTES = ((2.0**40, "TiB"), (2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB"), (1.0, "B"))
_COUNTS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))

_LADDERS = {
    "seconds": _SECONDS,
    "s": _SECONDS,
    "bytes": _BYTES,
    "B": _BYTES,
}
"""Unit as stored -> steps (size in that unit, label), largest first. Other units count in thousands."""

_AGES = ((60, 1, "second"), (3600, 60, "minute"), (86_400, 3600, "hour"), (86_400 * 14, 86_400, "day"))
_LATER_AGES = ((86_400 * 70, 86_400 * 7, "week"), (86_400 * 730, 86_400 * 30.44, "month"))


@dataclass(frozen=True, slots=True)
class Scale:
    """How to show values of one size: divide by ``factor``, write ``unit`` behind."""

    factor: float
    unit: str

    def text(self, value: float) -> str:
        """The value with its unit: four significant digits, or the exact count."""
        whole = self.factor == 1 and float(value).is_integer()
        return (
            f"{value:,.0f} {self.unit}".rstrip()
            if whole
            else f"{number(value / self.factor)} {self.unit}".rstrip()
        )


def scale_for(value: float, unit: str) -> Scale:
    """The scale on which ``value`` reads best; unit "1" means a bare number."""
    ladder = _LADDERS.get(unit, _COUNTS)
    size = abs(value)
    factor, label = next((step for step in ladder if size >= step[0]), ladder[-1])
    if not size or not math.isfinite(size):
        factor, label = next(step for step in ladder if step[0] == 1.0)
    if unit not in _LADDERS and unit not in ("", "1"):
        label = f"{label} {unit}".strip()
    return Scale(factor, label)


def number(value: float) -> str:
    """Four significant digits, no exponent, a true minus sign."""
    if not math.isfinite(value):
        return "∞" if value > 0 else "not a number" if math.isnan(value) else "−∞"
    digits = 3 - math.floor(math.log10(abs(value))) if value else 0
    text = f"{abs(value):,.{min(max(digits, 0), 9)}f}"
    return f"−{text}" if value < 0 else text


def value(amount: float, unit: str) -> str:
    """A value of a metric: ``value(0.00123, "seconds")`` is "1.230 ms"."""
    return scale_for(amount, unit).text(amount)


def change(ratio: float) -> str:
    """A ratio as signed per cent ("+15.3 %"), as a factor when it is more than tenfold, "no change" for 1."""
    if not math.isfinite(ratio):
        return "from zero"
    if ratio == 1:
        return "±0 %"
    if ratio >= 10:
        return f"×{number(ratio)}"
    percent = abs(ratio - 1) * 100
    digits = 0 if percent >= 100 else 1 if percent >= 10 else 2 if percent >= 0.01 else 4
    return f"{'+' if ratio > 1 else '−'}{percent:.{digits}f} %"


def interval(low: float, high: float) -> str:
    """The bounds of a ratio as "+14.1 % to +16.5 %"; "unknown" when anything is possible."""
    if low <= 0 and math.isinf(high):
        return "interval unknown"
    return f"{change(low)} to {change(high)}"


def within(resolution: float) -> str:
    """What a comparison can see, as "±1.2 %"."""
    return f"±{resolution * 100:.2g} %" if math.isfinite(resolution) else "anything"


def size(part: float) -> str:
    """A relative size without a sign: 0.018 is "1.8 %"."""
    return f"{part * 100:.2g} %" if part < 1 else f"{part * 100:,.0f} %"


def sure(chance: float) -> str:
    """A chance as people say it: "98.7 %", "over 99.9 %"."""
    if chance > 0.999:
        return "over 99.9 %"
    return f"{chance * 100:.1f} %" if chance >= 0.001 else "below 0.1 %"


def duration(seconds: float) -> str:
    """A time span in one unit: "4 min"."""
    steps = ((86_400, "days"), (3600, "h"), (60, "min"), (1, "s"))
    length, unit = next((step for step in steps if seconds >= 1.5 * step[0]), steps[-1])
    return f"{max(1, round(seconds / length))} {unit}"


def age(then: datetime, now: datetime | None = None) -> str:
    """How long ago, in one unit: "3 hours ago"; "just now" also for clocks that run ahead."""
    seconds = ((now or datetime.now(UTC)) - then).total_seconds()
    if seconds < 45:
        return "just now"
    for limit, size, name in _AGES + _LATER_AGES:
        if seconds < limit:
            return _count(max(1, round(seconds / size)), name)
    return _count(round(seconds / (86_400 * 365.25)), "year")


def is_old(then: datetime, days: int = 7) -> bool:
    """Whether ``days`` have passed: results of last week say little about today's code."""
    return (datetime.now(UTC) - then).total_seconds() > days * 86_400


def due(then: datetime, now: datetime | None = None) -> str:
    """A date that something is due at, in days: "due in 2 days", "due today", "3 days overdue"."""
    days = round((then - (now or datetime.now(UTC))).total_seconds() / 86_400)
    if not days:
        return "due today"
    return f"due in {plural(days, 'day')}" if days > 0 else f"{plural(-days, 'day')} overdue"


def factor(times: float) -> str:
    """How many times something is as large as it had to be: "4.9×"; beyond 100 it is no news."""
    return f"{times:.1f}×" if times < 10 else f"{times:.0f}×" if times < 100 else "over 100×"


def _count(amount: int, name: str) -> str:
    return f"{amount} {name}{'' if amount == 1 else 's'} ago"


def moment(then: datetime) -> str:
    """Date and time in UTC, for titles and tables."""
    return then.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def short(sha: str) -> str:
    """A commit hash as people quote it."""
    return sha[:10]


def plural(amount: int, name: str, many: str = "") -> str:
    """``plural(2, "series", "series")``: the amount with the right form of the noun."""
    return f"{amount:,} {name if amount == 1 else many or name + 's'}"
