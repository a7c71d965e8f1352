"""Define the settings of what DP-SGD trains: the conditional network, or a critic."""

from __future__ import annotations

from dataclasses import dataclass

from privgan.privacy import events


@dataclass(frozen=True, kw_only=True)
class DpSgdSettings:
    """Settings of a network trained by DP-SGD.

    Attributes:
        steps: Number of noisy steps.
        sample_rate: Probability of each customer to be in a batch.
        expected_batch_size: sample_rate times the planned kept-in customers: what gradients are
            divided by.
        noise_multiplier: Noise standard deviation on the sum of clipped gradients, divided by
            max_grad_norm.
        max_grad_norm: Clip norm of one customer's gradient, all of its rows together.
        width: Units of a hidden layer.
        learning_rate: Of the private optimiser.
        checkpoint_interval: Steps from one checkpoint to the next, and steps in reserve to run
            again after a crash; 0 for no checkpoints.
    """

    steps: int
    sample_rate: float
    expected_batch_size: int
    noise_multiplier: float
    max_grad_norm: float
    width: int
    learning_rate: float
    checkpoint_interval: int = 0

    @property
    def event(self) -> events.DpEvent:
        """The privacy event of the whole phase."""
        return self.event_of(self.steps)

    def event_of(self, steps: int) -> events.DpEvent:
        """The privacy event of a number of its steps."""
        return events.dp_sgd(
            noise_multiplier=self.noise_multiplier, sample_rate=self.sample_rate, steps=steps
        )


@dataclass(frozen=True, kw_only=True)
class CriticSettings(DpSgdSettings):
    """Settings of the critic and its DP-SGD.

    Attributes:
        steps_per_generator_step: Critic steps for each generator step.
        generator_learning_rate: Adam's, for the generator meanwhile.
        marginal_weight: Weight of the marginal loss beside the adversarial one.
    """

    steps_per_generator_step: int
    generator_learning_rate: float
    marginal_weight: float


@dataclass(frozen=True, kw_only=True)
class LikelihoodSettings(DpSgdSettings):
    """Settings of a network whose likelihood DP-SGD trains, after free training.

    Attributes:
        distil_steps: Free steps on rows of the generator, before DP-SGD.
        distil_rows: Rows of one of them.
        distil_learning_rate: Adam's in these, at first.
    """

    distil_steps: int
    distil_rows: int
    distil_learning_rate: float


@dataclass(frozen=True, kw_only=True)
class NetworkSettings(LikelihoodSettings):
    """Settings of the conditional network that is released.

    Attributes:
        raking_rounds: Rounds back to the noisy marginals, after DP-SGD.
    """

    raking_rounds: int


@dataclass(frozen=True, kw_only=True)
class RatioCriticSettings(LikelihoodSettings):
    """Settings of a GAN's critic by likelihood ratio, and of its generator's free training.

    Attributes:
        generator_steps: Steps of the generator against the trained critic.
        generator_rows: Fake rows of one of them.
        marginal_weight: Weight of the noisy 1-way marginals beside the critic's scores.
    """

    generator_steps: int
    generator_rows: int
    marginal_weight: float
