"""Check what is done around a GAN's critic: its charge, and the generator's free training.

The critic's own DP-SGD is the network's loop, with the network's checks.
"""

from __future__ import annotations

from tests.sabotage import network_world, world
from tests.sabotage.checks_of_network import rows_come_out_after_the_charge


def nothing_around_the_gans_critic_sees_a_row() -> None:
    """A whole fit of two tables, with coins that hide all outcomes: equal files, and a GAN.

    So the critic's start, the generator's training, its end and the log see none.
    """
    with network_world.any_critic():
        one, two = (
            network_world.what_leaves(world.table(seed, rows), network_world.gan_plan())
            for seed, rows in ((0, 700), (1, 950))
        )
    differ = sorted(name for name in {*one, *two} if one.get(name) != two.get(name))
    assert not differ, f"rows reach {', '.join(differ)} around the critic"
    assert b"the critic is not used" not in one["log"], "no critic trained the generator"


def the_gans_rows_are_charged_before() -> None:
    """The ledger has the charge of the critic's steps when its rows come out, and they do once."""
    rows_come_out_after_the_charge("critic", network_world.gan_plan(900))
