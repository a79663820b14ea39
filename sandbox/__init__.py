"""The fake world on loopback: three recruitment platforms with their own checks, bans, quotas and faults. Imports none of the crawler."""
