"""What cron calls: each may be called twice, and at the same time."""
