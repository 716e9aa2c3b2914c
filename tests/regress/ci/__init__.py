"""The CI gate: its decision, its reports, its way to GitHub and GitLab."""
