"""Signing: digest recipes in Python, and operators' JavaScript run fast and bounded. The platforms and the signing middleware ask it."""
