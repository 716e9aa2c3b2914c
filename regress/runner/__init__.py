"""Runners: measure a commit with a tool. History is walked in ``history``, events are told in ``events``."""
