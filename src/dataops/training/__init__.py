"""Launchers: where the fit of src/pipeline/train.py runs."""
