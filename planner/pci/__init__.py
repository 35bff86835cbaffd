"""What the PCI tree says."""
