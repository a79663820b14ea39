"""What happens to a raw row: normalise (100), then the sinks, each a thin shell over jobstore (300)."""
