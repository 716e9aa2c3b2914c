"""The verb *attend*: what arrives at a dashboard is analysed and told, without anybody's command.

    attendant.py   a thread of `regress serve`: looks every two seconds whether there is anything to do
    round.py       a process that does it, and ends: no page waits for it, and it can be ended at any time
    bisecting.py   a thread, and a process for each search that a page asked for, one at a time

What there is to do stands in the store (branches that no analysis has seen, messages that are due), so that
whatever was cut off is done by the next.
"""
