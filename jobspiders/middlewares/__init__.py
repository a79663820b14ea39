"""Generic mechanics around every request: they ask the spider's platform and pools and never know a platform's name.

On the way out: token 690, tunnel 745, then the signing handler. On the way back: verdict 585.
"""
