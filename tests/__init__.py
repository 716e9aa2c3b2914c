"""Tests; a package, so that equal file names in its folders stay apart."""
