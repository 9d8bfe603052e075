"""Soak: the real DAGs in real processes, round after round, while things break. `make soak`."""
