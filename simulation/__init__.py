"""Whole syncs in one process, from one seed: the shipped engine, clients and store against both simulators."""
