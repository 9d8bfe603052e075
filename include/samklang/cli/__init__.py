"""The command line: what is in sync, what a first run needs, what is known of a record, what a run would write."""

from samklang.cli.app import main

__all__ = ["main"]
