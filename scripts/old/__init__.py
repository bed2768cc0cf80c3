"""What the predecessors' commands share: their flags told in the words of `dataops`."""
