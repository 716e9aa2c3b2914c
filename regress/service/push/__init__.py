"""The verb *push*: results of this machine to a dashboard elsewhere, each exactly once.

    result files ── pack.py ──> bodies ── queue.py ──> files on disk ── send.py ──> POST /api/v1/deliveries
    the server: web/api/deliveries.py ── wire.py ──> Delivery ──> receive.py ──> one transaction

A body is on disk before anything is sent, and goes when the server has it for good. It may be sent twice (the
answer got lost), and changes nothing the second time: its digest is known there.
"""
