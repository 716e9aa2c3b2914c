"""``python -P asv_places.py PLACE run ...`` is ``asv run ...`` with asv's environments in the folder PLACE.

asv is told where they are by its configuration alone, whose folder all its other paths count from: a copy
that says something else would have to lie beside it, in the user's work tree. So the setting is changed in
here. What a commit was built into is kept beside PLACE, for all places, since it is the same in each.

A script, run by its path: nothing of Regress is imported, and ``-P`` keeps this folder off the path.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from asv.build_cache import BuildCache
from asv.config import Config
from asv.main import main

BUILDS = "builds"
"""The folder of built commits, beside the places."""


def move(place: Path) -> None:
    """From here on, every configuration that asv loads has its environments in ``place``."""
    load, remember = Config.load, BuildCache.__init__

    def load_there(path: str | None = None) -> Any:
        conf = load(path)
        conf.env_dir = str(place)
        kept = getattr(conf, "build_cache_size", 2)  # asv's own default; 0: nothing is to be kept
        conf.build_cache_size = max(2, kept) if kept else 0  # both sides are needed again and again
        return conf

    def remember_there(self: BuildCache, conf: Config, root: str) -> None:
        remember(self, conf, str(place.parent / BUILDS / Path(root).name))

    Config.load = load_there
    BuildCache.__init__ = remember_there


if __name__ == "__main__":
    move(Path(sys.argv.pop(1)))
    main()
