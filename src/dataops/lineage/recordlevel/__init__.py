"""Which versions hold a record, and which models were trained on it: asked of the data, by the least reading."""
