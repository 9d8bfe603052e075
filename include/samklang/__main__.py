"""`python -m samklang`."""

from __future__ import annotations

from samklang.cli import main

main()
