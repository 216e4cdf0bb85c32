"""Which orders a stage works on (R1, R2)."""

from __future__ import annotations

from collections.abc import Sequence

from keycrm_pipeline.period import Period
from keycrm_pipeline.profile import Profile
from keycrm_pipeline.run.session import Session
from keycrm_pipeline.warehouse.cards import Selection


def chosen_status_ids(profile: Profile) -> Sequence[int] | None:
    """The status ids whose orders the profile loads; None for all (R2)."""
    return None if profile.statuses.load == "all" else tuple(profile.statuses.load)


def selection(session: Session, period: Period | None) -> Selection:
    """The orders of a period, and those of other days that this exchange touched.

    The days of a period that is being loaded count as loaded; a rebuild selects every stored order of its period, but
    books none of a day that was never loaded.
    """
    return Selection(
        period=period,
        exchange_id=None if session.is_rebuild else session.exchange_id,
        is_loaded=period is not None and not session.is_rebuild,
        start_date=session.profile.start_date,
        status_ids=chosen_status_ids(session.profile),
    )
