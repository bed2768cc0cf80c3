"""Is everything in place? Each question is a function that yields findings; `examine` asks them all."""
