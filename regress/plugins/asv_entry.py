"""Becomes ``asv/plugins/regress.py`` in the wheel: makes ``asv regress`` known."""

from regress.plugins.asv_regress import Regress as Regress
