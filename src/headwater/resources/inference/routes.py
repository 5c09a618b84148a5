"""One call of a model of this deployment."""

from __future__ import annotations

from fastapi import APIRouter

from headwater.http.dependencies import Ctx
from headwater.http.responses import JSONBytes, json_response
from headwater.http.route import Route
from headwater.resources.inference import service
from headwater.resources.inference.schemas import RawInferenceRequest, RawInferenceResponse

router = APIRouter(route_class=Route, tags=["Inference"])


@router.post(
    "/v1/inference",
    summary="Call a model",
    operation_id="execute_raw_inference",
    response_model=RawInferenceResponse,
)
async def execute_raw_inference(ctx: Ctx, body: RawInferenceRequest) -> JSONBytes:
    """Embed texts with a model of this deployment, or score how well they answer a query with a re-ranker.

    Vectors have length one. Nothing is stored. Models of other services are not called.
    """
    return json_response(await service.execute_raw_inference(ctx, body))
