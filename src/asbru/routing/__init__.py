"""Which target next? Models, keys, weights, fallbacks, retries, as pure decisions."""

from asbru.routing.plan import Dice, GiveUp, Leg, Plan, Target, Try, in_turn, make_plan, next_step, sole_target
from asbru.routing.retry import Verdict, verdict
from asbru.routing.table import Pin, ProviderRoute, Table, pick_provider, pinned, split_model, with_keys

__all__ = [
    "Dice",
    "GiveUp",
    "Leg",
    "Pin",
    "Plan",
    "ProviderRoute",
    "Table",
    "Target",
    "Try",
    "Verdict",
    "in_turn",
    "make_plan",
    "next_step",
    "pick_provider",
    "pinned",
    "sole_target",
    "split_model",
    "verdict",
    "with_keys",
]
