"""The rows of blobs: which bytes the blob store holds, and who refers to them."""
