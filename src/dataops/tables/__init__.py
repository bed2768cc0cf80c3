"""Pure functions on frames: contract, casts, validation, features, profile, drift; and the one Parquet writer."""
