"""`python -m kullback` is the command line."""

from kullback._cli import main

main()
