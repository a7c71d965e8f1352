"""Write a new policy file: a copy of a shipped policy, or a minimal one."""

from __future__ import annotations

import re

from privgan.errors import UsageError
from privgan.policy.policy_file import parse_policy, policy_path

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?\Z")
_HEAD = """\
# A policy of your own{origin}. It is used by the path of this file:
#   privgan check candidate --policy {name}.yaml
# After a change: privgan policy check {name}.yaml   (every mistake, with its line)
# What it says in words: privgan policy explain {name}.yaml
# What changed: privgan policy diff {other} {name}.yaml
# Facts that a gate can name: privgan policy list --facts
# A gate asks exactly one of: at_most, at_least, equals, one_of, present: true.
# scope: public where the outcome may leave; internal for everything computed from real rows.
# reason_zh, advice_zh (Simplified Chinese) and clause (of a standard) may stand in each gate.

"""
_BLANK = """\
format: privgan.policy/1
name: {name}
version: "1.0"
purpose: Write here what kind of release this policy is for.
# candidates that may be judged per data set; each tells up to one bit about real rows
attempts_per_dataset: 3
gates:
  - fact: guarantee.epsilon
    at_most: 3
    scope: public
    reason: Write here why this bound is right for whoever receives the table.
    advice: Plan the run with a smaller epsilon.

  - fact: accounting.complete
    equals: true
    scope: public
    reason: A step that nobody accounted for voids the guarantee.
    advice: Run again with the release randomness and the ledger on.

  - fact: audit.verdict
    one_of: [NOT_REFUTED, INCONCLUSIVE]
    scope: internal
    reason: A claim that the audit contradicts must not leave.
    advice: Stop, and report this as a bug; do not draw again.

  - fact: artefacts.findings
    at_most: 0
    scope: internal
    reason: What identifies a customer must not stand in any file that leaves.
    advice: Stop, and report this as a bug in privgan; 'privgan audit' makes the scan where it
      is missing.

  - fact: attack.membership.advantage.high   # .high: the worse end of the interval
    at_most: 0.3
    scope: internal
    reason: Nobody should be able to tell who was in the table.
    advice: Use a smaller epsilon; on a small table use more customers or a larger share of
      canaries.

# Which columns may leave, and how finely; by name, role or kind; always public.
columns:
  - role: identifier
    invented: true
    reason: Whatever names a person must be made up.
    advice: Give the column the kind identifier, name, email, phone, address or text in
      the schema, or drop it.

#  - name: [ssn, tax_number]
#    dropped: true
#    reason: ...
#    advice: ...
#
#  - role: quasi-identifier
#    at_most_values: 100      # of a number: (upper - lower) in its last decimal; of a date: days
#    reason: ...
#    advice: ...
"""


def policy_template(name: str, *, base: str | None = None) -> str:
    """Text of a new, valid policy file with comments.

    Args:
        name: The new policy's name: lower-case letters, digits and hyphens.
        base: A shipped policy's name, or a policy file, to start from; None for the least that a
            policy should ask.

    Raises:
        UsageError: The name is none, or there is no such policy.
    """
    if not _NAME.match(name) or len(name) > 80:
        raise UsageError(
            f"{name!r}: is no policy's name; write lower-case letters, digits and hyphens, at"
            " most 80"
        )
    if base is None:
        text = _HEAD.format(origin="", name=name, other="partner-share") + _BLANK.format(name=name)
    else:
        written = policy_path(base).read_text(encoding="utf-8")
        renamed = re.sub(r"^name:.*$", f"name: {name}", written, count=1, flags=re.MULTILINE)
        text = _HEAD.format(origin=f", made from {base}", name=name, other=base) + renamed
    parse_policy(text, f"{name}.yaml")
    return text
