"""Machine code as something that is asked for: requests, what they give, where it is kept, who makes it.

What a request gives depends on nothing but the request: no address and no number of this process is in it.
So it may be made anywhere (``vm.jit.makers`` says by what code), kept on disk, and loaded by any process.
"""
