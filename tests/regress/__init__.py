"""Tests of the platform (regress/)."""
