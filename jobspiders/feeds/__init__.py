"""Where keywords come from. A feed gives leases, and takes each back exactly once: complete, partial or returned."""
