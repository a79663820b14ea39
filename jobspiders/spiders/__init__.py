"""One spider per platform; everything they do is in base.py, everything they know is in platforms/."""
