"""Which data made this, and what did that data reach: read from git alone."""
