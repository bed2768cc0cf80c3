"""Releases: what a version is, getting its bytes back, checking and publishing it."""
