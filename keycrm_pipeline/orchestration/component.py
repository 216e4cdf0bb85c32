"""The component `keycrm_pipeline.KeyCrmExchange`: a profile in a `defs.yaml` of a project, without a file of ours.

Its attributes are the keys of a profile file and its `name`. What is not here: what a profile becomes
(`definitions`).
"""

from __future__ import annotations

import os
from typing import Any

import dagster as dg
from pydantic import BaseModel, RootModel

from keycrm_pipeline.orchestration.definitions import exchange_definitions
from keycrm_pipeline.profile import Profile, Settings, profile_of, settings_from_environment


class ProfileAttributes(RootModel[dict[str, Any]]):
    """The settings of a profile as they stand in a `defs.yaml`.

    They are read as they are and checked by the profile itself, whose errors say what is allowed. Editors get the
    profile's own schema.
    """

    @classmethod
    def model_json_schema(cls, *arguments: Any, **options: Any) -> dict[str, Any]:
        """The JSON Schema of a profile, with its name."""
        return Profile.model_json_schema(*arguments, **options)


class KeyCrmExchange(dg.Component):
    """The exchange of one KeyCRM account: its orders as accounting documents, with jobs, schedules and checks.

    The attributes are the settings of a profile, and `name`, the first part of its assets' keys. The API key comes from
    the environment, as for every profile.
    """

    def __init__(self, profile: Profile, settings: Settings | None = None) -> None:
        """Sets it up.

        Args:
            profile: The account and how its orders are booked.
            settings: Where data are; by default what KEYCRM_DATA_DIR says.
        """
        self.profile = profile
        self.settings = settings or settings_from_environment(os.environ)

    @classmethod
    def get_model_cls(cls) -> type[BaseModel]:
        """What the attributes are read as."""
        return ProfileAttributes

    @classmethod
    def load(cls, attributes: BaseModel | None, context: dg.ComponentLoadContext) -> KeyCrmExchange:
        """The component of a `defs.yaml`.

        Raises:
            ProfileError: A setting is wrong; the text names each with what is allowed.
        """
        content = attributes.root if isinstance(attributes, ProfileAttributes) else {}
        return cls(profile_of(context.resolution_context.resolve_value(content), context.path / "defs.yaml"))

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """What every profile has: see `exchange_definitions`."""
        del context
        return exchange_definitions([self.profile], self.settings)
