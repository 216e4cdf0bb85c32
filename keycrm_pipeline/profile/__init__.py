"""The profile file: one KeyCRM account and how its orders are booked.

What is not here: what the settings do to an order (`accounting`, `pipeline`), Dagster, the database. The API key
is never in it: `keys` looks for it in the environment and in a file of its own. A mistake in a profile is reported
with the file, the setting and what is allowed; the other profiles continue to work.
"""

from keycrm_pipeline.profile.editing import (
    FileChangedError,
    NotEditableError,
    NotWrittenError,
    ProfileFile,
    Setting,
    Value,
    changes_documents,
    dotted,
    read_profile_file,
    with_changes,
    write_profile_file,
)
from keycrm_pipeline.profile.files import DEMO, create_private_file, write_demo_profile
from keycrm_pipeline.profile.json_schema import profile_json_schema
from keycrm_pipeline.profile.keys import (
    KEY_VARIABLE,
    FoundKey,
    KeyNotStoredError,
    MissingKeyError,
    UnusableKeyError,
    find_key,
    is_possible_key,
    key_file_variable,
    key_variable,
    remove_stored_key,
    store_key,
    stored_key_path,
)
from keycrm_pipeline.profile.loading import load_profile, load_profiles, profile_names, profile_of
from keycrm_pipeline.profile.models import (
    DEFAULT_BASE_URL,
    DEFAULT_REQUESTS_PER_MINUTE,
    DOCUMENT_SETTINGS,
    MOST_REQUESTS_PER_MINUTE,
    NAME_PATTERN,
    SANDBOX,
    CommerceMLSettings,
    OdooSettings,
    Profile,
    RequisiteSettings,
)
from keycrm_pipeline.profile.problems import Problem, ProfileError
from keycrm_pipeline.profile.workspace import (
    DATA_VARIABLE,
    HOME_VARIABLE,
    PROFILES_VARIABLE,
    Settings,
    Workspace,
    dagster_home,
    settings_from_environment,
)

__all__ = [
    "DATA_VARIABLE",
    "DEFAULT_BASE_URL",
    "DEFAULT_REQUESTS_PER_MINUTE",
    "DEMO",
    "DOCUMENT_SETTINGS",
    "HOME_VARIABLE",
    "KEY_VARIABLE",
    "MOST_REQUESTS_PER_MINUTE",
    "NAME_PATTERN",
    "PROFILES_VARIABLE",
    "SANDBOX",
    "CommerceMLSettings",
    "FileChangedError",
    "FoundKey",
    "KeyNotStoredError",
    "MissingKeyError",
    "NotEditableError",
    "NotWrittenError",
    "OdooSettings",
    "Problem",
    "Profile",
    "ProfileError",
    "ProfileFile",
    "RequisiteSettings",
    "Setting",
    "Settings",
    "UnusableKeyError",
    "Value",
    "Workspace",
    "changes_documents",
    "create_private_file",
    "dagster_home",
    "dotted",
    "find_key",
    "is_possible_key",
    "key_file_variable",
    "key_variable",
    "load_profile",
    "load_profiles",
    "profile_json_schema",
    "profile_names",
    "profile_of",
    "read_profile_file",
    "remove_stored_key",
    "settings_from_environment",
    "store_key",
    "stored_key_path",
    "with_changes",
    "write_demo_profile",
    "write_profile_file",
]
