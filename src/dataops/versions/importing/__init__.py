"""Old versions, as scripts kept them in a bucket or in a registry of files, become versions of this repository."""
