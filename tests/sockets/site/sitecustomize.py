"""Read by every Python that starts with this folder on PYTHONPATH; SOCKET_GUARD names the file of offences."""

import os

if "SOCKET_GUARD" in os.environ:
    import socketguard

    socketguard.guard(os.environ["SOCKET_GUARD"])
