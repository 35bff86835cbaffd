"""What we say about what Xen would do: findings, and one function that makes them all, `evaluate`."""
