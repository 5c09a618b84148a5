"""Uploads: files that are PUT by a signed link and become blobs when they are confirmed."""
