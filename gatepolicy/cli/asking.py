"""How accounts are asked, from the options of a command.

Apart from the other options, because it imports the edge: commands that ask nobody start without.
"""

from gatepolicy.cli import inputs
from gatepolicy.cli.inputs import Given
from gatepolicy.collect.run import CollectSettings
from gatepolicy.collect.secrets import SecretSources


def collect_settings(given: Given, *, keep_answers: bool) -> CollectSettings:
    """How accounts are asked."""
    return CollectSettings(
        jobs=given["jobs"],
        max_rate=given["max_rate"],
        attempts=given["attempts"],
        pepper=inputs.fingerprint_key(given["inventory_file"]),
        keep_answers=keep_answers,
        sources=SecretSources.real(given["inventory_file"]),
    )
