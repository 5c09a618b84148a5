"""``python -m headwater`` is the command ``headwater``."""

from headwater.cli import main

raise SystemExit(main())
