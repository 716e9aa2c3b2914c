"""The whole loop, on a real repository."""
