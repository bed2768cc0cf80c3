"""Yours: one file a stage, in the order of dvc.yaml. Read them, change them; nothing in `dataops` depends on them."""
