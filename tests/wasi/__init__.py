"""WASI preview 1: every function, every way out that was tried, and what other engines and suites say."""
