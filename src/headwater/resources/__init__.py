"""Every resource's routes. A new resource adds its router here and its rows to ``http/access.py``."""

from fastapi import APIRouter

from headwater.resources.health.routes import router as health

ROUTERS: tuple[APIRouter, ...] = (health,)
