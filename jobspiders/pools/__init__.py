"""What a request borrows from the operator's store: tokens and tunnels. Take, rest, burn; never without a named verdict."""
