"""Train a network by DP-SGD with Opacus' ghost clipping; the only file that imports opacus.

One pass covers the Poisson-sampled real customers; a critic's also as many fake ones as the
expected batch. A customer with all of its rows is one sample, and all samples are clipped to the
same norm. Noise is added once to the sum. So adding or removing a customer moves the sum by at most
the norm.
``PrivacyEngine.make_private`` is not used: it reads the data's length and the global random
generator.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import torch
from opacus.accountants.analysis import rdp
from opacus.grad_sample import GradSampleModuleFastGradientClipping
from opacus.grad_sample.linear import compute_linear_norm_sample
from opacus.optimizers.optimizer_fast_gradient_clipping import DPOptimizerFastGradientClipping
from torch import Tensor, nn

from privgan.errors import InternalError
from privgan.generator.autoregressive import MaskedLinear
from privgan.planning.dpsgd_settings import DpSgdSettings
from privgan.privacy import accountant
from privgan.privacy.events import DpEvent, SelfComposed
from privgan.privacy.library_checks import check_stated_loss
from privgan.privacy.randomness import SecretStream

# Norms and sums are rounded: samples are clipped a little below the norm that the noise is scaled
# to.
CLIP_MARGIN = 1e-3
_ROWS_AT_ONCE, _ELEMENTS_AT_ONCE = 8_192, 1 << 23
_ORDERS = (2.0, 8.0, 32.0)
_ROUNDING = 1e-14  # Of one step's RDP: the logarithm of a number near 1.
_CROSS_ROW_LAYERS = (nn.modules.batchnorm._BatchNorm, nn.modules.instancenorm._InstanceNorm)


class _SecretNoiseOptimizer(DPOptimizerFastGradientClipping):
    """Opacus' optimiser with noise from secret coins instead of torch's generator."""

    def __init__(
        self, optimizer: torch.optim.Optimizer, *, coins: SecretStream, **settings: Any
    ) -> None:
        super().__init__(optimizer, **settings)
        self._coins = coins

    def accumulate(self) -> None:
        """Take the sums that the network's hooks computed in double precision."""
        for parameter in self.params:
            parameter.summed_grad = parameter.clipped_sum

    def add_noise(self) -> None:
        """Add noise of deviation noise_multiplier · max_grad_norm to each summed gradient, once.

        Sum and noise are in double precision. The mean is rounded to the parameter's type
        afterwards, as post-processing.
        """
        for parameter in self.params:
            if getattr(parameter.summed_grad, "_processed", False):
                raise InternalError("a gradient sum was about to be used twice")
            noise = torch.from_numpy(self._coins.gaussian_noise(parameter.numel())).view_as(
                parameter
            )
            scaled = noise * (self.noise_multiplier * self.max_grad_norm)
            noisy = parameter.summed_grad.double() + scaled.to(parameter.device)
            parameter.grad = (noisy / self.expected_batch_size).to(parameter.dtype)
            parameter.summed_grad._processed = True


def _linear_norms(
    layer: nn.Linear, activations: list[Tensor], backprops: Tensor
) -> dict[nn.Parameter, Tensor]:
    """Per-sample gradient norms of a linear layer, for samples of one row.

    As Opacus' ``compute_linear_norm_sample``, without its costly batched products.
    """
    if backprops.dim() != 2:
        found: dict[nn.Parameter, Tensor] = compute_linear_norm_sample(
            layer, activations, backprops
        )
        return found
    flow = torch.linalg.vector_norm(backprops, dim=1)
    norms = {
        layer.weight: flow * torch.linalg.vector_norm(activations[0].to(backprops.dtype), dim=1)
    }
    return norms if layer.bias is None else norms | {layer.bias: flow}


def _masked_norms(
    layer: MaskedLinear, activations: list[Tensor], backprops: Tensor
) -> dict[nn.Parameter, Tensor]:
    """Per-sample gradient norms of a masked layer; Opacus has no hook that knows masks.

    Samples of several rows [batch, rows, …] have their gradients made, some at a time.
    """
    inputs = activations[0].to(backprops.dtype)
    if backprops.dim() == 2:
        weight = layer.squared_norms(inputs, backprops).sqrt()
        return _norms_of(layer, weight, torch.linalg.vector_norm(backprops, dim=1))
    at_once = max(1, _ELEMENTS_AT_ONCE // layer.weight.numel())
    norms = [
        torch.linalg.vector_norm(torch.einsum("bro,bri->boi", flow, rows) * layer.mask, dim=(1, 2))
        for flow, rows in zip(backprops.split(at_once), inputs.split(at_once), strict=True)
    ]
    bias = torch.linalg.vector_norm(backprops.sum(1), dim=1)
    return _norms_of(layer, torch.cat(norms), bias)


def _norms_of(layer: nn.Linear, weight: Tensor, bias: Tensor) -> dict[nn.Parameter, Tensor]:
    return dict(zip(layer.parameters(), (weight, bias), strict=True))


class _BookKeeping(GradSampleModuleFastGradientClipping):
    """Opacus' ghost clipping, keeping activations so that no second backward pass is needed.

    Bu, Wang, Zha and Karypis 2023 (Differentially Private Optimization on Large Model at Small
    Cost), section 3. A linear layer's sum of clipped gradients is one matrix product: inputs times
    output gradients, each weighted by its sample's clipping factor.
    """

    NORM_SAMPLERS: ClassVar = {
        **GradSampleModuleFastGradientClipping.NORM_SAMPLERS,
        nn.Linear: _linear_norms,
        MaskedLinear: _masked_norms,
    }

    def __init__(self, network: nn.Module, **settings: Any) -> None:
        self._seen: dict[nn.Module, tuple[Tensor, Tensor]] = {}
        super().__init__(network, **settings)

    def capture_backprops_hook(
        self,
        module: nn.Module,
        forward_input: Any,
        forward_output: Any,
        loss_reduction: str,
        batch_first: bool,
    ) -> None:
        """Store the layer's inputs and output gradients, then run Opacus' hook."""
        if self.hooks_enabled:
            activations: Any = module.activations
            self._seen[module] = activations[-1][0], forward_output[0].detach()
        super().capture_backprops_hook(
            module, forward_input, forward_output, loss_reduction, batch_first
        )

    def write_clipped_sums(self) -> None:
        """Set every parameter to the sum of the samples' clipped gradients.

        The losses must be summed. Sums are in double precision: otherwise one sample could move the
        rounding of all others.
        """
        factors = self.get_clipping_coef().double()
        for layer, (inputs, flow) in self._seen.items():
            sums = [
                _weighted_sums(factors[rows], flow[rows], inputs[rows])
                for rows in (
                    slice(start, start + _ROWS_AT_ONCE)
                    for start in range(0, max(1, len(flow)), _ROWS_AT_ONCE)
                )
            ]
            parameters: list[Any] = (
                [layer.weight] if layer.bias is None else [layer.weight, layer.bias]
            )
            for parameter, parts in zip(parameters, zip(*sums, strict=True), strict=False):
                parameter.clipped_sum = torch.stack(parts).sum(0)
            if isinstance(layer, MaskedLinear):
                parameters[0].clipped_sum *= layer.mask
        self._seen.clear()


def _weighted_sums(factors: Tensor, flow: Tensor, inputs: Tensor) -> tuple[Tensor, Tensor]:
    """Sums [outputs, inputs] and [outputs] of weighted sample gradients of a linear layer."""
    weighted = (flow.double() * factors.view(-1, *[1] * (flow.dim() - 1))).flatten(0, -2)
    return weighted.T @ inputs.flatten(0, -2).double(), weighted.sum(0)


def _check_layers(network: nn.Module) -> None:
    """Check that no layer mixes rows, and that all trained layers are linear."""
    offenders = [
        type(module).__name__
        for module in network.modules()
        if isinstance(module, _CROSS_ROW_LAYERS)
    ]
    if offenders:
        raise InternalError(
            f"the network holds {offenders[0]}: it mixes rows, so that clipping a row bounds"
            " nothing"
        )
    trained = [module for module in network.modules() if list(module.parameters(recurse=False))]
    if not all(type(module) in {nn.Linear, MaskedLinear} for module in trained):
        raise InternalError(
            "the network holds a layer with parameters that is not linear: its clipped sum is not"
            " known"
        )


Optimiser = Callable[[Iterable[nn.Parameter], DpSgdSettings], torch.optim.Optimizer]


def adam(parameters: Iterable[nn.Parameter], settings: DpSgdSettings) -> torch.optim.Optimizer:
    """Adam with the usual moments of adversarial training."""
    return torch.optim.Adam(parameters, settings.learning_rate, betas=(0.5, 0.9))


class PrivateTrainer:
    """Train a network whose every update is one DP-SGD step.

    Args:
        network: A network without cross-row layers; its losses are per row.
        settings: The plan's: they fix clipping, noise and the number of steps.
        charged: The event of the receipt that was redeemed for the rows.
        criterion: Per-sample loss [batch] of (scores, kinds), each [batch] or [batch, rows].
        coins: Secret coins for noise and batch membership.
        optimiser: Makes the optimiser, which receives noisy gradients only.
    """

    def __init__(
        self,
        network: nn.Module,
        settings: DpSgdSettings,
        charged: DpEvent,
        criterion: Any,
        coins: SecretStream,
        optimiser: Optimiser = adam,
    ) -> None:
        if charged != settings.event:
            raise InternalError("what was charged is not what the network is about to do")
        _check_layers(network)
        self.settings, self._coins = settings, coins
        self.steps_done = 0
        self.module = _BookKeeping(
            network,
            max_grad_norm=settings.max_grad_norm * (1 - CLIP_MARGIN),
            loss_reduction="sum",
            use_ghost_clipping=True,
        )
        self.module.disable_hooks()
        self._optimizer = _SecretNoiseOptimizer(
            optimiser(network.parameters(), settings),
            coins=coins,
            noise_multiplier=settings.noise_multiplier,
            max_grad_norm=settings.max_grad_norm,
            expected_batch_size=settings.expected_batch_size,
            loss_reduction="sum",
        )
        layers = (list(module.parameters(recurse=False)) for module in network.modules())
        self._smallest = [min(layer, key=torch.numel) for layer in layers if layer]
        self._criterion = criterion

    @property
    def network(self) -> nn.Module:
        """The wrapped network."""
        network: nn.Module = self.module._module
        return network

    @property
    def optimiser(self) -> torch.optim.Optimizer:
        """The optimiser, which receives noisy gradients only."""
        own: torch.optim.Optimizer = self._optimizer.original_optimizer
        return own

    @property
    def mechanism(self) -> tuple[float, float, float]:
        """Noise deviation on the sum, clip norm of one sample, and sampling probability."""
        noise = self._optimizer.noise_multiplier * self._optimizer.max_grad_norm
        return noise, float(self.module.max_grad_norm), self.settings.sample_rate

    def batch_members(self, customers: int) -> Tensor:
        """Draw this step's batch by Poisson sampling: indices of the chosen customers."""
        return torch.from_numpy(
            self._coins.bernoulli(self.settings.sample_rate, customers).nonzero()[0]
        )

    def step(self, rows: Tensor, kinds: Tensor) -> None:
        """Run one noisy update.

        Args:
            rows: Samples of one row [batch, inputs], or of several [batch, rows, inputs].
            kinds: What each row is: REAL, FAKE or ABSENT [batch] or [batch, rows].

        Raises:
            InternalError: when it would be one step more than was planned and charged.
        """
        if self.steps_done >= self.settings.steps:
            raise InternalError(
                f"the plan has {self.settings.steps} private steps; one more was asked for"
            )
        self.steps_done += 1
        self.module.train()
        self.module.enable_hooks()
        self._optimizer.zero_grad(set_to_none=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            # Opacus' hooks would otherwise wait for a gradient of the rows.
            self._backward(self._criterion(self.module(rows.detach()), kinds))
            self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        self.module.disable_hooks()

    def _backward(self, losses: Tensor) -> None:
        """Run one backward pass over per-sample losses [batch].

        Opacus' hooks give the norms; then the clipped gradients are summed. The pass asks for one
        small parameter of each layer only. The output gradients of every layer are needed, the
        weights' gradients are not.
        """
        torch.autograd.backward(losses.sum(), inputs=self._smallest)
        self._optimizer.zero_grad()
        self.module.write_clipped_sums()

    def scores(self, rows: Tensor) -> Tensor:
        """Scores [batch] for the generator's step, without hooks or gradients for the network."""
        parameters = {name: value.detach() for name, value in self.network.named_parameters()}
        scores: Tensor = torch.func.functional_call(self.network, parameters, (rows,))
        return scores


def check_map(settings: DpSgdSettings, charged: DpEvent) -> None:
    """Check a trainer, and Opacus' Rényi bound for it, against an event to be charged.

    OpenDP has no mechanism for DP-SGD. So a trainer is made as for a run, on a network of its own.
    Its noise, clip norm and sampling rate are then compared.

    Raises:
        InternalError: The event is not that of these settings, or the trainer has others.
        LibraryError: Opacus states more than the event.
    """
    if not isinstance(charged, SelfComposed) or charged != settings.event_of(charged.count):
        raise InternalError("the event of DP-SGD is not that of its settings")
    coins = SecretStream()
    trainer = PrivateTrainer(nn.Linear(1, 1), settings, settings.event, None, coins)
    noise, norm, rate = trainer.mechanism
    planned = settings.noise_multiplier * settings.max_grad_norm
    if noise < planned or norm > settings.max_grad_norm or rate != settings.sample_rate:
        raise InternalError("the trainer has other noise, norm or rate than its settings")
    steps = int(charged.count)
    for order in _ORDERS:
        stated = rdp.compute_rdp(
            q=rate,
            noise_multiplier=noise / settings.max_grad_norm,
            steps=steps,
            orders=order,
        )
        accounted = accountant.rdp_of_order(charged, order)
        check_stated_loss("DP-SGD", float(stated), accounted, "RDP", rounding=_ROUNDING * steps)
