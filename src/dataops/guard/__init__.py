"""What the hooks run, and the monitor."""
