"""Simulators of both systems: in one process for tests, over HTTP for demonstrations."""
