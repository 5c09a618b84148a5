"""The parent process of ``headwater serve``."""

from headwater.supervisor.children import StartError, StopRequested
from headwater.supervisor.serve import Announcement, serve

__all__ = ["Announcement", "StartError", "StopRequested", "serve"]
