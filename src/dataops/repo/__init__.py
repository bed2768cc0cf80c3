"""What git and dvc.lock say. Never imports dvc."""
