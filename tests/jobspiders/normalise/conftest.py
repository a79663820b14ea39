"""Hypothesis without a stopwatch: no time decides a test."""

from hypothesis import HealthCheck, settings

settings.register_profile("normalise", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("normalise")
