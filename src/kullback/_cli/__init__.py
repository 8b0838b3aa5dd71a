"""The command line: arguments → the library's functions → tables for people, JSON for machines."""

from kullback._cli._main import main

__all__ = ["main"]
