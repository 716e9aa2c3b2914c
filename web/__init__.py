"""The dashboard: server-rendered pages, a JSON API under /api/v1, charts that work offline."""
