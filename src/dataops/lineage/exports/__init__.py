"""Lineage as other tools read it: OpenLineage's run events, Croissant's metadata of a dataset."""
