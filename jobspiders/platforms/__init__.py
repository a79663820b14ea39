"""What we know of each site. A fourth platform = one module here, one fake in sandbox/, one spider."""
