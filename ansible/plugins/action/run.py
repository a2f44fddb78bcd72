# SPDX-License-Identifier: Apache-2.0
"""Runs guard on the controller, for the instance that the inventory's host stands for."""

from __future__ import annotations

import json
import os
import shlex
import subprocess

from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.text.converters import to_text
from ansible.plugins.action import ActionBase

# As much of the command's output as a task's result should hold.
MOST_OUTPUT = 16 * 1024

ARGUMENTS = {
    "cmd": {"type": "str"},
    "argv": {"type": "list", "elements": "str"},
    "instance": {"type": "str"},
    "remote": {"type": "str"},
    "project": {"type": "str"},
    "checks": {"type": "list", "elements": "str", "default": []},
    "environment": {"type": "dict", "default": {}},
    "options": {"type": "list", "elements": "str", "default": []},
    "config": {"type": "path"},
    "executable": {"type": "raw", "default": "guard"},
}


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        _, arguments = self.validate_argument_spec(
            argument_spec=ARGUMENTS,
            required_one_of=[["cmd", "argv"]],
            mutually_exclusive=[["cmd", "argv"]],
        )
        words = arguments["argv"] or shlex.split(arguments["cmd"] or "")
        if not words:
            raise AnsibleActionFail("The command is empty.")
        instance = arguments["instance"] or task_vars["inventory_hostname"]
        subcommand = "plan" if self._task.check_mode else "run"
        command = guard_words(arguments, subcommand, instance, words)
        ended = self._call(command)
        plan_or_events = [json.loads(line) for line in ended.stdout.splitlines() if line.startswith("{")]
        result["exit_status"] = ended.returncode
        if subcommand == "plan":
            result.update(planned(ended, plan_or_events))
        else:
            result.update(run_result(ended, plan_or_events))
        return result

    def _call(self, command):
        try:
            # A list: nothing passes through a shell. The command reads nothing: Ansible's own stdin is not for it.
            return subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", env=os.environ, check=False
            )
        except OSError as error:
            raise AnsibleActionFail(
                f"guard could not be started on the controller: {to_text(error)}. Install it there, or set executable."
            ) from error


def guard_words(arguments, subcommand, instance, words):
    executable = arguments["executable"]
    return [
        *([executable] if isinstance(executable, str) else executable),
        subcommand,
        "--json",
        *(["--project", arguments["project"]] if arguments["project"] else []),
        *(["--config", arguments["config"]] if arguments["config"] else []),
        *(word for check in arguments["checks"] for word in ("--check", check)),
        *(word for name, value in arguments["environment"].items() for word in ("--env", f"{name}={value}")),
        *arguments["options"],
        f"{arguments['remote']}:{instance}" if arguments["remote"] else instance,
        "--",
        *words,
    ]


def planned(ended, values):
    plan = next((value for value in values if "plan" in value), None)
    if ended.returncode != 0 or plan is None:
        return {"failed": True, "changed": False, "plan": plan, "msg": reason(ended, values)}
    packages = plan.get("packages") or {}
    # Only where the package manager says that nothing would change, nothing does.
    nothing = packages.get("known") is True and packages.get("packages") == []
    return {"changed": not nothing, "plan": plan}


def run_result(ended, events):
    last = {event.get("type"): event for event in events}
    outcome = last.get("run-ended", {}).get("outcome", {})
    kept = outcome.get("outcome") == "kept"
    found = {
        "changed": kept,
        "outcome": outcome.get("outcome"),
        "output": ended.stderr[-MOST_OUTPUT:],
    }
    if "run-started" in last:
        found["run"] = last["run-started"].get("run")
    point = last.get("released", {}).get("restorePoint")
    if point:
        found["restore_point"] = point
    verdicts = verdicts_of_change(events)
    if verdicts:
        found["reasons"] = [finding.get("message", "") for finding in verdicts[-1].get("reasons", [])]
    changes = last.get("changes", {}).get("changes", {})
    if changes:
        found["packages"] = [
            f"{package['name']} {package['from'] or '-'} {package['to'] or '-'}" for package in changes.get("packages", [])
        ]
    # An unhealthy change that the policy kept is a change, and a failure.
    if outcome.get("outcome") == "kept-unhealthy":
        found["changed"] = True
    # A change that waits for its confirmation is made, and has not failed.
    waiting = outcome.get("outcome") == "waiting"
    if waiting:
        found.update({"changed": True, "msg": "waiting: the change is rolled back at its deadline unless it is confirmed"})
    if not kept and not waiting:
        found.update({"failed": True, "msg": reason(ended, events)})
    return found


def verdicts_of_change(events):
    """What decided. A verdict after a rollback is about the instance as it was before the change."""
    return [event["verdict"] for event in events if event.get("type") == "verdict" and not event.get("afterRollback")]


def reason(ended, values):
    outcome = next((value["outcome"] for value in reversed(values) if value.get("type") == "run-ended"), {})
    refusal = outcome.get("refusal")
    if refusal:
        return f"{outcome['outcome']}: {refusal['message']} {refusal['advice']}".strip()
    reasons = [finding["message"] for verdict in verdicts_of_change(values)[-1:] for finding in verdict.get("reasons", [])]
    commands = [value["end"] for value in values if value.get("type") == "command-ended"]
    statuses = [f"the command ended with exit status {end['status']}" for end in commands[-1:] if end.get("kind") == "exited"]
    details = reasons or (statuses if outcome.get("cause") == "command" else [])
    name = outcome.get("outcome") or f"guard ended with {ended.returncode}"
    return f"{name}: {'; '.join(details) or outcome.get('cause') or ended.stderr[-500:]}"
