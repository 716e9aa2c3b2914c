"""``regress ci``: is this change slower? Two commits measured in turns until each benchmark is decided.

surroundings   who calls (GitHub, GitLab, a person), which commits, where answers go
pairs          measures base and head in turns, the order of each pair by a coin; asks ``detect.trial``
report         what was found, as records; ``decision`` is what decides
words          the decision and each finding as sentences, for every form of it
comment, junit, sarif, annotations      the report in the forms that people and machines read
forge          GitHub's and GitLab's API: a comment that is edited in place, a check
publish        writes files, summary, comment and check; what fails there never changes the answer
gate           all of it in order
"""
