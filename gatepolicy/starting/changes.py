"""What a pipeline runs on a change: the shell script that shows what changed policies change. Pure.

On synthetic keys that fail every rule, so that it needs no evidence of real accounts.
"""

from textwrap import indent

_SCRIPT = """\
mkdir .base
git archive {base} | tar -x -C .base
for old in .base/policies/*.yaml; do
  new="${{old#.base/}}"
  if [ -f "$new" ]; then
    gatepolicy diff --policy "$old" "$new" --evidence policies/tests/evidence.json
  elif [ -f "$old" ]; then
    echo "$new is removed: none of its rules is checked any more"
  fi
done
"""


def show_changes(base: str, *, width: int) -> str:
    """The lines of the script, as they stand in a block of YAML.

    Args:
        base: The commit before the change, as the shell takes it.
        width: By how many columns they are indented.
    """
    return indent(_SCRIPT.format(base=base), " " * width)
