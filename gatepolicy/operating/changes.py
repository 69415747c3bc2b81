"""Whether a scan differs from the one that it is compared with. Pure."""

from gatepolicy.model.scan import BaselineState, Scan


def is_changed(scan: Scan) -> bool:
    """Whether anything differs, or nothing can tell: then somebody has to look."""
    if scan.drift is None or scan.interrupted_by is not None:
        return True
    states = (comparison.state for comparison in scan.drift.states.values())
    is_same = all(state is BaselineState.UNCHANGED for state in states)
    return not is_same or bool(scan.drift.absent or scan.drift.changes)
