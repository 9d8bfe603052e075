"""Benchmarks: what a run costs, beside what people would write by hand. `make bench`."""
