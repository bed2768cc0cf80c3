"""The tools: versions, gates, lineage, drift and guards for a repository whose data DVC tracks."""
