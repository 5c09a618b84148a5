"""What a worker process opens once and every request shares."""

from __future__ import annotations

from dataclasses import dataclass

from headwater.catalog.cache import Catalogue
from headwater.catalog.reader import Reader
from headwater.kit.secrets import Secret
from headwater.settings import Settings
from headwater.store.interface import Store


@dataclass(frozen=True)
class Runtime:
    settings: Settings
    secret: Secret
    store: Store
    reader: Reader
    catalogue: Catalogue
