"""The search for a culprit: pure, it only says what to measure next. ``regress.service.bisect`` measures."""
