"""Points on the earth: ``{"lat", "lon"}`` or ``[lon, lat]`` in degrees, and the shapes that filters ask for."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple


class Point(NamedTuple):
    lat: float
    lon: float


#: Says whether a point is in the shape.
Shape = Callable[[Point], bool]
_EARTH_RADIUS_METRES = 6_371_008.8
_MAX_CORNERS = 10_000


def points_in(values: Iterable[Any]) -> Iterator[Point]:
    """The points among the values, and among the elements of lists of points."""
    for value in values:
        point = _point(value)
        if point is not None:
            yield point
        elif isinstance(value, list):
            yield from (found for found in map(_point, value) if found is not None)


def _point(value: Any) -> Point | None:
    if isinstance(value, dict):
        lat: Any = value.get("lat")
        lon: Any = value.get("lon")
    elif isinstance(value, list) and len(value) == 2:
        lon, lat = value
    else:
        return None
    if not _is_number(lat) or not _is_number(lon) or not -90 <= lat <= 90 or not -180 <= lon <= 180:
        return None
    return Point(float(lat), float(lon))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def radius(value: Any) -> Shape:
    """``{"center": {"lat", "lon"}, "radius": metres}``. Raises ``ValueError``."""
    members = _members(value, "center", "radius")
    center, metres = _required_point(members["center"], "center"), members["radius"]
    if not _is_number(metres) or metres < 0:
        raise ValueError("radius must be a number of metres")
    return lambda point: _distance(center, point) <= metres


def bounding_box(value: Any) -> Shape:
    """``{"top_left": {"lat", "lon"}, "bottom_right": {"lat", "lon"}}``; it may cross the 180th meridian.
    Raises ``ValueError``."""
    members = _members(value, "top_left", "bottom_right")
    top_left = _required_point(members["top_left"], "top_left")
    bottom_right = _required_point(members["bottom_right"], "bottom_right")
    if top_left.lat < bottom_right.lat:
        raise ValueError("top_left must be north of bottom_right")
    west, east = top_left.lon, bottom_right.lon

    def inside(point: Point) -> bool:
        if not bottom_right.lat <= point.lat <= top_left.lat:
            return False
        return west <= point.lon <= east if west <= east else point.lon >= west or point.lon <= east

    return inside


def polygon(value: Any) -> Shape:
    """``{"exterior": {"points": [{"lat", "lon"}, …]}}``, at least three corners. Raises ``ValueError``."""
    exterior = _members(_members(value, "exterior")["exterior"], "points")["points"]
    if not isinstance(exterior, list) or not 3 <= len(exterior) <= _MAX_CORNERS:
        raise ValueError(f"points must be a list of 3 to {_MAX_CORNERS} points")
    corners = [_required_point(corner, f"points[{number}]") for number, corner in enumerate(exterior)]
    edges = list(zip(corners, [*corners[1:], corners[0]], strict=True))
    return lambda point: sum(_crosses(point, *edge) for edge in edges) % 2 == 1


def _crosses(point: Point, start: Point, end: Point) -> bool:
    """Whether the line from the point to the east crosses the edge."""
    if (start.lat > point.lat) == (end.lat > point.lat):
        return False
    lon = start.lon + (point.lat - start.lat) / (end.lat - start.lat) * (end.lon - start.lon)
    return point.lon < lon


def _members(value: Any, *names: str) -> dict[str, Any]:
    if not isinstance(value, dict) or value.keys() != set(names):
        raise ValueError(f"the value must be an object with {' and '.join(names)}")
    return value


def _required_point(value: Any, name: str) -> Point:
    point = _point(value)
    if point is None:
        raise ValueError(f'{name} must be a point such as {{"lat": 52.5, "lon": 13.4}}')
    return point


def _distance(one: Point, other: Point) -> float:
    """Metres along the great circle (haversine)."""
    lat_one, lat_other = math.radians(one.lat), math.radians(other.lat)
    half_lat, half_lon = (lat_other - lat_one) / 2, math.radians(other.lon - one.lon) / 2
    chord = math.sin(half_lat) ** 2 + math.cos(lat_one) * math.cos(lat_other) * math.sin(half_lon) ** 2
    return 2 * _EARTH_RADIUS_METRES * math.asin(min(1.0, math.sqrt(chord)))
