"""How a graph becomes a picture: layout in layers or on a grid, then Mermaid, DOT, SVG or PNG of the same drawing."""
