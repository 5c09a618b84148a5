"""The answer to "who am I?"."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from headwater.tenancy.permissions import Permission


class AccountKey(BaseModel):
    name: str
    key_type: str
    permissions: list[Permission]
    expires_at: str | None = None


class AccountResponse(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "organization_id": "org_9f3k2l8m1q7",
                    "organization_name": "Local",
                    "account_type": "enterprise",
                    "user_email": "admin@localhost.local",
                    "key": {
                        "name": "admin-key",
                        "key_type": "standard",
                        "permissions": ["read", "write", "delete", "admin"],
                        "expires_at": None,
                    },
                    "rate_limits": {
                        "metadata": 1000,
                        "data": 1000,
                        "search": 1000,
                        "upload": 1000,
                        "compute": 1000,
                    },
                    "principal_scoped": False,
                }
            ]
        }
    )

    organization_id: str
    organization_name: str
    account_type: str
    user_email: str
    key: AccountKey
    rate_limits: dict[str, int]
    principal_scoped: bool
