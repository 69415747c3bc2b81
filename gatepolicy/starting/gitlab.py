"""The file for GitLab's CI. Pure."""

from collections.abc import Sequence

from gatepolicy.starting.changes import show_changes

_PIPELINE = """\
# Merge requests: the files are checked, the policies tested, and changes of policies shown, without
# any secret. On a schedule, and after a push to the default branch: the accounts are scanned.
# Before the first run:
#
# - Put the wheel of gatepolicy and its pinned requirements into vendor/ and commit them: 'make
#   dist' in a clone of gatepolicy writes both to dist/. No public package index has it yet: never
#   install it by its name, because anyone who registers the name could get your credentials.
# - Keys have an IP allowlist of your addresses, and GitLab's own runners have others. So the scan
#   runs on a runner of your own behind one of your addresses, with the tag gatepolicy, that runs
#   jobs of protected branches only.
# - Add the credentials that accounts.yaml refers to as CI/CD variables that are protected and
#   masked: pipelines of merge requests then do not have them.{variables}
# - Add a pipeline schedule for the default branch (Build, Pipeline schedules).
workflow:
  rules:
    - if: $CI_PIPELINE_SOURCE == "merge_request_event"
    - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH
variables:
  # Hosts of each proxy and base_url in accounts.yaml, separated by spaces. No other is ever used.
  GATEPOLICY_ALLOW_HOSTS: ""
.gatepolicy:
  image: python:3.12
  timeout: 1h
  before_script:
    - python -m venv .venv
    - >-
      .venv/bin/python -m pip install --require-hashes --only-binary :all:
      -r vendor/requirements.txt
    - .venv/bin/python -m pip install --no-index --no-deps vendor/gatepolicy-*-py3-none-any.whl
    - export PATH="$PWD/.venv/bin:$PATH"
gatepolicy-check:
  extends: .gatepolicy
  stage: test
  interruptible: true
  rules:
    - if: $CI_PIPELINE_SOURCE == "merge_request_event"
  variables:
    GIT_DEPTH: "0" # the commit before the change is needed
  script:
    # --untrusted refuses commands (exec:) and files outside of the repository. Leave it out if
    # accounts.yaml needs them; then anyone who can change accounts.yaml can run commands.
    - gatepolicy check --untrusted
    - gatepolicy test --untrusted --min-coverage 100 --junit gatepolicy-tests.xml
    - |
{changes}
  artifacts:
    when: always
    expire_in: 30 days
    reports:
      junit: gatepolicy-tests.xml
gatepolicy-scan:
  extends: .gatepolicy
  stage: test
  resource_group: gatepolicy
  tags: [gatepolicy]
  rules:
    - if: $CI_PIPELINE_SOURCE != "merge_request_event" && $CI_COMMIT_REF_PROTECTED == "true"
  script:
    # 4: no account could be read; the evidence says so, and what evaluates it decides.
    - gatepolicy collect -o evidence.json || [ $? -eq 4 ]
    - >-
      gatepolicy evaluate evidence.json -o text -o json=gatepolicy-report.json
      -o junit=gatepolicy-report.xml -o gitlab-codequality=gl-code-quality-report.json
      -o gitlab-sast=gl-sast-report.json
  artifacts:
    when: always
    access: developer
    expire_in: 30 days
    paths: [evidence.json, gatepolicy-report.json]
    reports:
      codequality: gl-code-quality-report.json
      junit: gatepolicy-report.xml
      sast: gl-sast-report.json
"""


def gitlab_pipeline(variables: Sequence[str]) -> str:
    """The text of ``.gitlab-ci.yml``.

    Args:
        variables: Environment variables that hold the credentials of the accounts.
    """
    named = "".join(f"\n#     {name}" for name in variables)
    changes = show_changes('"$CI_MERGE_REQUEST_DIFF_BASE_SHA"', width=6)
    return _PIPELINE.format(variables=named, changes=changes.rstrip())
