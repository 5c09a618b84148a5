"""Who am I?"""

from __future__ import annotations

from fastapi import APIRouter

from headwater.http.dependencies import Ctx
from headwater.http.route import Route
from headwater.resources.account import service
from headwater.resources.account.schemas import AccountResponse

router = APIRouter(route_class=Route, prefix="/v1", tags=["Account"])


@router.get("/me", summary="Who am I?", operation_id="whoami")
async def whoami(ctx: Ctx) -> AccountResponse:
    """The organization, user and permissions behind the API key. Any valid key may ask."""
    return await service.get_account(ctx)


@router.get("/account", summary="Who am I? (alias)", operation_id="get_account")
async def get_account(ctx: Ctx) -> AccountResponse:
    """The same as `GET /v1/me`."""
    return await service.get_account(ctx)
