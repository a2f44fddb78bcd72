# Written by `guard hook install`: asks the host for a restore point before a transaction of dnf 4.
import os
import subprocess

import dnf
import dnf.exceptions
import libdnf.transaction

CLIENT = "/usr/local/lib/guard/guard-hook"


class Guard(dnf.Plugin):
    name = "guard"

    def pre_transaction(self):
        if not self.base.transaction:
            return
        told = "".join(f"{line}\n" for line in lines(self.base.transaction))
        # dnf goes on after every other exception than its own.
        if ask("pre", "dnf", str(os.getpid()), told=told) == 1:
            raise dnf.exceptions.Error("guard: there is no restore point, so nothing was changed")

    # Called after a transaction that failed as well.
    def transaction(self):
        if self.base.transaction:
            status = "1" if has_failed(self.base.transaction) else "0"
            ask("post", "dnf", status, str(os.getpid()))


def ask(*words, told=""):
    """The exit status of the client; 0 where it cannot be run: then nobody has refused anything."""
    try:
        return subprocess.run([CLIENT, *words], input=told.encode(), stdout=subprocess.DEVNULL).returncode
    except OSError:
        return 0


def lines(transaction):
    """NAME FROM TO of each package, `-` for what is not there."""
    changes = {}
    for package in transaction.remove_set:
        changes.setdefault(package.name, ["-", "-"])[0] = package.evr
    for package in transaction.install_set:
        changes.setdefault(package.name, ["-", "-"])[1] = package.evr
    return [f"{name} {before} {after}" for name, (before, after) in sorted(changes.items())]


def has_failed(transaction):
    return any(item.state == libdnf.transaction.TransactionItemState_ERROR for item in transaction)
