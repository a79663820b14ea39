"""What the control plane does. Services work in a unit that somebody else opens and commits, and raise `errors.Problem`."""
