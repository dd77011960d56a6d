"""``airflow-dataops ledger …`` and ``airflow-dataops audit …``: the ledger's schema and its history."""

from __future__ import annotations

import argparse

from airflow_dataops.cli.parsing import Commands, verbs

__all__ = ["add_commands", "add_url", "chosen_url"]


def add_commands(nouns: Commands) -> None:
    """Add what can be done with the ledger."""
    ledger = verbs(nouns, "ledger", "the ledger's database")
    upgrade = ledger.add_parser("upgrade", help="bring the schema up to date; safe to repeat")
    add_url(upgrade)
    upgrade.set_defaults(run=ledger_upgrade)
    audit = verbs(nouns, "audit", "the history")
    verify = audit.add_parser("verify", help="find events that were edited or removed; exit code 1 if there are any")
    add_url(verify)
    verify.set_defaults(run=audit_verify)


def add_url(parser: argparse.ArgumentParser) -> None:
    """Add the option that says which ledger is meant."""
    parser.add_argument("--ledger-url", help="SQLAlchemy URL; default: [dataops] ledger_url")


def ledger_upgrade(options: argparse.Namespace) -> int:
    """Migrate the ledger."""
    # Only commands pay for the database's libraries, and only they may need Airflow's configuration.
    from airflow_dataops.hooks.ledger_engine import create_ledger_engine, shown_url, upgrade

    url = chosen_url(options)
    reached = upgrade(create_ledger_engine(url))
    print(f"The ledger at {shown_url(url)} is at revision {reached}.")
    return 0


def audit_verify(options: argparse.Namespace) -> int:
    """Check the chain of events from the first to the last."""
    from airflow_dataops.hooks.ledger_store import LedgerStore

    store = LedgerStore(chosen_url(options))
    faults = store.chain_faults()
    for fault in faults:
        print(fault)
    if not faults:
        print(f"The history is whole: {len(store.events())} events, each tied to the one before it.")
    return 1 if faults else 0


def chosen_url(options: argparse.Namespace) -> str:
    """Return the URL given, else the configured one."""
    if options.ledger_url:
        return str(options.ledger_url)
    from airflow_dataops import settings

    return settings.ledger_url()
