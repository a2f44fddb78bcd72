# SPDX-License-Identifier: Apache-2.0
"""Only the documentation: the action plugin of the same name does the work, on the controller."""

DOCUMENTATION = r"""
---
module: run
short_description: Change an Incus container with a restore point, proof of health and rollback
description:
  - Runs C(guard) on the controller for the instance that the inventory's host stands for.
  - guard takes a restore point, runs the command inside, checks whether the instance still does what it did before, and puts it
    back where it does not.
  - In check mode C(guard plan) is run, which changes nothing.
options:
  cmd:
    description: The command, split into words as a shell would. No shell is involved. Exactly one of O(cmd) and O(argv).
    type: str
  argv:
    description: The command as a list of words.
    type: list
    elements: str
  instance:
    description: The instance. By default the inventory's host name.
    type: str
  remote:
    description: The remote, as in the C(incus) command.
    type: str
  project:
    description: The Incus project of the instance.
    type: str
  checks:
    description: Commands for the instance's shell that must succeed before and after.
    type: list
    elements: str
  environment:
    description: Variables for the command.
    type: dict
  options:
    description: More options of C(guard run), each as one word, like C(--soak=30s) or C(--restart).
    type: list
    elements: str
  config:
    description: The guard.yaml to read.
    type: path
  executable:
    description: The guard command on the controller, a word or a list of words.
    type: raw
    default: guard
author: the authors of guard
"""

EXAMPLES = r"""
- name: upgrade with a rollback where nginx breaks
  incus.guard.run:
    cmd: apt-get -y upgrade
    checks: [curl -fsS http://localhost/]
    options: [--soak=30s, --restart]

- name: two words that a shell would split
  incus.guard.run:
    argv: [sh, -c, 'echo "a b" > /etc/motd']
"""

RETURN = r"""
outcome:
  description: How the run ended, as in guard's table of exit statuses, like C(kept) or C(rolled-back).
  type: str
  returned: always, except in check mode
exit_status:
  description: guard's exit status.
  type: int
  returned: always
run:
  description: The id of the run; C(guard show) prints its record.
  type: str
  returned: where a run began
restore_point:
  description: The snapshot that is kept.
  type: str
  returned: where one is kept
msg:
  description: Why the change is not kept.
  type: str
  returned: failure
reasons:
  description: The findings that decided.
  type: list
  elements: str
  returned: where there was a verdict
packages:
  description: Packages that changed, as C(name from to).
  type: list
  elements: str
  returned: where the change is known
output:
  description: The end of what the command wrote.
  type: str
  returned: where a run began
plan:
  description: What C(guard plan --json) says.
  type: dict
  returned: in check mode
"""
