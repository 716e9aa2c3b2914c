"""The search for a culprit: pure, it only says what to measure next. ``regress.service.bisect`` measures."""

CONFIDENCE = 0.95
"""The chance of a culprit at which a search stops, unless it is told another."""

BUDGET = 150
"""The most measurements that a search spends, unless it is told otherwise."""
