"""Measurements of decoding: how fast it is, and whether its results are valid."""
