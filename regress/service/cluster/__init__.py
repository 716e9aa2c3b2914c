"""Commits measured by Dask workers: jobs placed by machine, results brought back to who asked.

    machines    the cluster as its user sees it: which machines it has, and jobs sent to them
    worker      a job on its worker: a process of its own, ended when the job is cancelled or the worker dies
    child       that process: it waits for its turn on the host, measures, and sends back what came out
    turn        the host's lock: one measurement at a time
    checkout    the worker's own clone of the repository
    dial        the way to a scheduler
    jobs        what goes to and fro

A worker says whose results it makes by a resource, ``dask worker ADDRESS --nthreads 1 --resources
machine-NAME=1``: one benchmark at a time runs under each, and workers of one NAME share the work. Whatever
the workers are told, a lock on their host keeps two measurements from running beside each other.
"""
