"""Values, frozen: what a host has, what guests ask for, what a plan decides. Imports nothing of ours."""
