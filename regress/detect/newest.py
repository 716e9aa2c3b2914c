"""The newest step is looked at anew with each commit, so it must be surer than those that are settled.

A bar for one look is passed by chance in some of many: in 20,000 series of 250 normal numbers, 0.08 % have a
step for good at ``false_alarms`` 0.002, but 2.8 % have one at some commit; 0.8 % with the part below. One
stricter bar for all looks is the plan of group-sequential trials (Pocock, "Group sequential methods in the
design and analysis of clinical trials", 1977; Lan and DeMets, "Discrete sequential boundaries for clinical
trials", 1983). When the next step comes, this one is looked at no longer, and the bar of all is enough.

A clear step need not wait: one of many sigma tells within three commits, when its z is still small because so
few points say how much they spread, and there are few looks before it is past any bar.
"""

from __future__ import annotations

import math

from regress.detect.evidence import Evidence, z_of
from regress.detect.noise import Edges

PART = 0.25
"""Of the chance of error that a settled step has, what the newest has at one look."""

CLEAR = 2.5
"""Sigma from which a step is clear: noise does not make several such points in a row."""


def newest_bar(false_alarms: float, points: int) -> float:
    """The z that the newest step of a series of so many points must have, unless it is clear."""
    return z_of(PART * false_alarms / points)


def is_unsure(evidence: Evidence, edges: Edges, false_alarms: float) -> bool:
    """Whether the last step between ``edges`` is neither clear nor beyond its bar."""
    steps = evidence.steps(edges)
    if abs(float(steps.size[-1])) > CLEAR * math.sqrt(evidence.variance):
        return False
    return float(steps.z[-1]) < newest_bar(false_alarms, int(edges[-1]))
