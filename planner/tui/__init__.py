"""The Textual app: shows a session's snapshots and turns keys into its edits. Decides nothing about Xen."""
