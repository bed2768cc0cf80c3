"""What CI does with data: run what is out of date, release what changed, say what happened."""
