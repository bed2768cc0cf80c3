"""`python -m host FOLDER`."""

import sys

from host.server import main

main(*sys.argv[1:])
