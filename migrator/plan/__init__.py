"""Responsible for WHAT is to be done: plans as frozen data, read from YAML; not for doing any of it."""

from migrator.plan.finder import find_plan, load_all
from migrator.plan.fingerprint import differences, fingerprint, plan_document
from migrator.plan.loader import load_plan, parse_plan
from migrator.plan.model import Plan
from migrator.plan.names import identifiers
from migrator.plan.step import Phase, Step
from migrator.plan.steps import kinds

__all__ = [
    "Phase",
    "Plan",
    "Step",
    "differences",
    "find_plan",
    "fingerprint",
    "identifiers",
    "kinds",
    "load_all",
    "load_plan",
    "parse_plan",
    "plan_document",
]
