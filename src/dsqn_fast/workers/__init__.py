"""Foreign packages in processes of their own, also with a Python of their own.

    worker_start   the program of such a process: asked over a pipe, it calls one object
    worker         the other end of the pipe

Simulators keep global state, need versions of NumPy that clash, and may crash: none of that
reaches the process that asks.
"""
