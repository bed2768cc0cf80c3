"""`python -m dataops`: the same as `dataops`."""

from dataops.cli import main

main()
