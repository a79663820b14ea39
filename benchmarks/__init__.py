"""Benchmarks that anyone can run: `make bench`. Every figure is a ratio of things measured side by side in one run."""
