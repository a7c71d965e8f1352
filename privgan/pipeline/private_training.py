"""Train by DP-SGD what the plan says: the conditional network, or a critic."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np

from privgan.errors import InternalError
from privgan.generator.adversarial import failure, fit_against_critic
from privgan.generator.autoregressive import Autoregressive
from privgan.generator.likelihood import LikelihoodTraining
from privgan.generator.network_fit import distilled, illness, refitted
from privgan.generator.private_phase import PrivatePhase
from privgan.generator.refine import Refinement, Training
from privgan.pipeline.job import Fitted, Job, Refining
from privgan.pipeline.stages import StageName
from privgan.planning.dpsgd_settings import (
    CriticSettings,
    DpSgdSettings,
    LikelihoodSettings,
    RatioCriticSettings,
)
from privgan.planning.plan import Plan
from privgan.privacy.events import DpEvent
from privgan.privacy.receipts import Receipt

_POOL, _JUDGED_BY = 200_000, 100_000


def phase_name(plan: Plan) -> str:
    """The name of the step that DP-SGD is charged as."""
    return "network" if plan.network else "critic"


def with_network(job: Job, fitted: Fitted) -> Fitted:
    """The fit with a network distilled from its mixture, where the plan trains one; free."""
    settings = job.plan.trained
    if not isinstance(settings, LikelihoodSettings):
        return fitted
    rng = np.random.default_rng([job.settings.seed, 3])
    rows, model = fitted.generator.mixture().sample(_POOL, rng), fitted.generator
    with job.progress.task(StageName.DISTIL) as task:
        network = distilled(
            rows,
            model.sizes,
            settings,
            seed=job.settings.seed,
            chain=job.chain,
            progress=task.update,
        )
    return _holding(job.plan, fitted, network)


def resumed_network(plan: Plan, fitted: Fitted) -> Fitted:
    """The fit with a network of the plan's form, whose weights a checkpoint has."""
    settings = plan.trained
    if not isinstance(settings, LikelihoodSettings):
        return fitted
    return _holding(plan, fitted, Autoregressive(fitted.generator.sizes, width=settings.width))


def _holding(plan: Plan, fitted: Fitted, network: Autoregressive) -> Fitted:
    """The fit with a network that is to be released, or that is a GAN's critic."""
    if plan.network is None:
        return replace(fitted, critic=network)
    return replace(fitted, network=network)


def phase_of(job: Job, fitted: Fitted, charged: DpEvent) -> PrivatePhase:
    """What DP-SGD trains, at its start."""
    plan = job.plan
    # A part's view holds more rows of a customer than its marginals count; only how many matters.
    each = (1.0,) * job.table.unit.max_rows if job.part else plan.rows_of_each
    training = Training(
        rows_of_each=each,
        coins=job.coins,
        seed=job.settings.seed,
        trainer=job.settings.trainer,
    )
    network = fitted.network or fitted.critic
    if isinstance(plan.trained, LikelihoodSettings) and isinstance(network, Autoregressive):
        return LikelihoodTraining(fitted.generator, network, charged, plan.trained, training)
    if not isinstance(plan.critic, CriticSettings):
        raise InternalError("the plan has no phase of DP-SGD")
    return Refinement(fitted.generator, fitted.measurements, charged, plan.critic, training)


def run_phase(job: Job, refining: Refining, receipt: Receipt) -> Fitted:
    """Run DP-SGD, with checkpoints where the plan is resumable.

    One at its start, and one after each interval.

    Returns:
        The fit with what was trained.
    """
    phase, settings, keep = refining.phase, refining.phase.settings, job.settings.keep
    samples = job.table.samples(receipt, refining.fitted.encoder.encode)
    tell = job.progress.task
    network = job.plan.network is not None
    with tell(StageName.NETWORK_STEPS) if network else tell(StageName.CRITIC) as task:
        for until in _stops(settings, phase.step):
            if keep and settings.checkpoint_interval:
                keep(refining, False)
            try:
                phase.run(samples, until, task.update)
            except KeyboardInterrupt:
                if keep and settings.checkpoint_interval:
                    keep(refining, True)
                raise
    return _trained(job, refining.fitted, phase)


def _stops(settings: DpSgdSettings, start: int) -> list[int]:
    """The steps at which a checkpoint is due, and the last step."""
    interval = settings.checkpoint_interval or settings.steps
    return [*range(start + interval, settings.steps, interval), settings.steps]


def _trained(job: Job, fitted: Fitted, phase: PrivatePhase) -> Fitted:
    """The fit with the phase's outcome."""
    if isinstance(phase, Refinement):
        fitted.generator.use_average()
        return replace(fitted, critic=phase.critic)
    assert isinstance(phase, LikelihoodTraining)
    if isinstance(phase.settings, RatioCriticSettings):
        return _against_critic(job, fitted, phase.averaged(), phase.settings)
    return _healthy(job, fitted, phase)


def _against_critic(
    job: Job, fitted: Fitted, critic: Autoregressive, settings: RatioCriticSettings
) -> Fitted:
    """The fit with its generator trained against the critic, or as it was where that failed.

    Noisy and synthetic figures alone decide.
    """
    rng, targets = np.random.default_rng([job.settings.seed, 4]), fitted.measurements.targets()
    model, before = fitted.generator, fitted.generator.mixture()
    weights = copy.deepcopy(model.network.state_dict())
    ill = illness(critic, before.sample(_JUDGED_BY, rng), targets, rng)
    with job.progress.task(StageName.GENERATOR) as task:
        if ill is None:
            fit_against_critic(model, critic, targets, settings, task.update)
            ill = failure(before, model.mixture(), critic, targets, rng)
    if ill is None:
        return replace(fitted, critic=critic)
    model.network.load_state_dict(weights)
    job.progress.say(f"the critic is not used: {ill}; columns are released as independent")
    return replace(fitted, critic=None)


def _healthy(job: Job, fitted: Fitted, phase: LikelihoodTraining) -> Fitted:
    """The fit with the network back at the noisy marginals, or the mixture where that failed.

    Noisy figures alone decide.
    """
    rng, targets = np.random.default_rng([job.settings.seed, 4]), fitted.measurements.targets()
    assert job.plan.network is not None
    trained, rounds = phase.averaged(), job.plan.network.raking_rounds
    mixtures = fitted.generator.mixture().sample(_JUDGED_BY, rng)
    with job.progress.task(StageName.RAKING) as task:
        ill = illness(trained, mixtures, (), rng)
        if ill is None:
            trained = refitted(
                trained, targets, contexts=mixtures, rounds=rounds, rng=rng, progress=task.update
            )
            ill = illness(trained, mixtures, targets, rng)
    if ill is None:
        return replace(fitted, network=trained)
    job.progress.say(f"the network is not used: {ill}; the generator before it is released")
    return replace(fitted, network=None)
