"""How numbers are said, everywhere alike: in the terminal, in comments and mails, on pages.

Units are scaled to what reads best, changes keep their sign, nothing has an exponent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

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
    """A ratio as signed per cent ("+15.3 %"), as a factor when it is tenfold or more, "±0 %" for 1."""
    if not math.isfinite(ratio):
        return "from zero"
    if ratio == 1:
        return "±0 %"
    if ratio >= 10:
        return f"×{number(ratio)}"
    return f"{_percent(ratio, _digits(ratio))} %"


def interval(low: float, high: float) -> str:
    """The bounds of a ratio as "+9.8 to +16.5 %"; "interval unknown" when anything is possible."""
    if low <= 0 and math.isinf(high):
        return "interval unknown"
    if math.isinf(high):
        return f"{change(low)} or more"
    if not max(low, high) < 10:
        return f"{change(low)} to {change(high)}"
    digits = min(_digits(low), _digits(high))
    return f"{_percent(low, digits)} to {_percent(high, digits)} %"


def _digits(ratio: float) -> int:
    percent = abs(ratio - 1) * 100
    return 0 if percent >= 100 else 1 if percent >= 10 else 2 if percent >= 0.01 else 4


def _percent(ratio: float, digits: int) -> str:
    text = f"{abs(ratio - 1) * 100:.{digits}f}"
    return f"{'' if float(text) == 0 else '+' if ratio > 1 else '−'}{text}"


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
    """A time span in its two largest units: "1 min 20 s"; below ten seconds with a digit more."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")]
    return " ".join([f"{amount} {unit}" for amount, unit in parts if amount][:2])


def count(amount: int, name: str, many: str = "") -> str:
    """The amount with the right form of its noun: ``count(2, "delivery", "deliveries")``."""
    return f"{amount:,} {name if amount == 1 else many or name + 's'}"
