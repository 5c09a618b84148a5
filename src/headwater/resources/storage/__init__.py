"""Files behind signed links: downloads, uploads and the files of exports."""
