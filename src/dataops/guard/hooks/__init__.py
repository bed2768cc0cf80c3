"""What git runs: before a push, after it has moved, and how that comes into a clone."""
