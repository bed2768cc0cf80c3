"""The monitor: what changes in the data folders, as it happens and since it last looked.

What it says comes from comparing the folders with what it knew, never from an event by itself: events only say where to
look. So an event that got lost costs time and no change (`scan` looks, `changes` decides, `journal` remembers).
"""
