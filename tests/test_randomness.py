"""Every draw comes from its own stream; no source file uses a generator anybody could seed."""

import ast
import base64
import copy
import os
import pickle
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats

from privgan.pipeline.job import Fitted
from privgan.privacy.randomness import SecretStream
from tests.coins import RepeatableStream
from tests.sabotage import world

PACKAGE = Path(__file__).parents[1] / "privgan"
FILES = sorted(PACKAGE.rglob("*.py"))
TORCH_DRAWS = {
    "rand",
    "randn",
    "randint",
    "randperm",
    "multinomial",
    "bernoulli",
    "normal",
    "rand_like",
    "randn_like",
    "poisson",
}
IN_PLACE = {
    "normal_",
    "uniform_",
    "bernoulli_",
    "random_",
    "exponential_",
    "log_normal_",
    "geometric_",
    "cauchy_",
}


def _name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def _dotted(node: ast.AST) -> str:
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([*([node.id] if isinstance(node, ast.Name) else []), *reversed(parts)])


def _offences(source: str) -> Iterator[str]:
    """Draws from numpy's, torch's or Python's global generator, and generators without a seed."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import) and any(alias.name == "random" for alias in node.names):
            yield "imports random"
        if isinstance(node, ast.ImportFrom) and node.module in {"random", "numpy.random"}:
            yield f"imports from {node.module}"
        if not isinstance(node, ast.Call):
            continue
        called = _dotted(node.func)
        keywords = {keyword.arg for keyword in node.keywords}
        if called.startswith(("np.random.", "numpy.random.")):
            if called.rsplit(".", 1)[1] not in {
                "default_rng",
                "Generator",
                "SeedSequence",
                "PCG64",
                "RandomState",
            }:
                yield called
            elif (
                called.endswith(("default_rng", "RandomState"))
                and not node.args
                and not node.keywords
            ):
                yield f"{called} without a seed"
        if (
            called.startswith("torch.")
            and called.split(".")[1] in TORCH_DRAWS
            and "generator" not in keywords
        ):
            yield called
        if (
            isinstance(node.func, ast.Attribute)
            and node.func.attr in IN_PLACE
            and "generator" not in keywords
        ):
            yield node.func.attr


@pytest.mark.parametrize(
    "source",
    [
        "import numpy as np\nnp.random.seed(1)",
        "import numpy as np\nx = np.random.normal(size=3)",
        "import numpy as np\nrng = np.random.default_rng()",
        "import torch\ntorch.randn(3)",
        "import torch\ntorch.empty(3).normal_()",
        "import random",
        "from numpy.random import default_rng",
    ],
)
def test_the_search_finds_each_way(source: str) -> None:
    assert list(_offences(source))


def test_nothing_draws_from_a_global_generator() -> None:
    for path in FILES:
        assert list(_offences(path.read_text(encoding="utf-8"))) == [], _name(path)


def test_nothing_prints_or_runs_text() -> None:
    for path in FILES:
        called = {
            node.func.id
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert not called & {"print", "eval", "exec", "input", "breakpoint"}, _name(path)


def test_repeatable_coins_are_made_by_no_module_of_ours() -> None:
    """A test stream that a user could reach would be a guarantee that a user could lose."""
    users = {
        _name(path) for path in FILES if "RepeatableStream" in path.read_text(encoding="utf-8")
    }
    assert users == set()


def test_nothing_imports_or_calls_anything_that_unpickles() -> None:
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                assert _dotted(node.func) not in {
                    "torch.load",
                    "np.load",
                    "numpy.load",
                    "pd.read_pickle",
                }, _name(path)
            if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
                assert isinstance(node.value, ast.Constant), _name(path)
                assert node.value.value is False, _name(path)


@pytest.mark.parametrize(
    "arguments", [["--help"], ["run", "--help"], ["plan", "--help"], ["--version"]], ids=" ".join
)
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        f"import sys; from privgan.cli.main import execute\nassert execute({arguments!r}) =="
        " 0\nprint('HEAVY', sorted({'torch', 'opacus', 'sdmetrics', 'matplotlib', 'sklearn'} &"
        " set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines()[-1] == "HEAVY []"


# --- the stream itself


def test_two_streams_share_nothing() -> None:
    one, two = SecretStream(), SecretStream()
    assert not set(one.words(2_000).tolist()) & set(two.words(2_000).tolist())


def test_a_stream_never_gives_the_same_words_again() -> None:
    stream = SecretStream()
    words = np.concatenate([stream.words(count) for count in (1, 2, 3, 1_000, 5)])
    assert len(np.unique(words)) == len(words)


def test_the_keystream_is_chacha20() -> None:
    """RFC 8439, section 2.3.2 (key 00…1f) for the library; appendix A.1, vector 1, for coins."""
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20

    nonce = (1).to_bytes(4, "little") + bytes.fromhex("000000090000004a00000000")
    block = Cipher(ChaCha20(bytes(range(32)), nonce), mode=None).encryptor().update(bytes(64))
    assert block[:16].hex() == "10f1e7e4d13b5915500fdd1fa32071c4"
    ours = RepeatableStream(0)
    ours._start(bytes(32))
    assert ours.words(2).tobytes().hex() == "76b8e0ada0f13d90405d6ae55386bd28"


@pytest.mark.parametrize("probability", [-0.1, 1.1, float("nan")])
def test_impossible_probabilities_are_refused(probability: float) -> None:
    with pytest.raises(ValueError, match="must be in 0 to 1"):
        SecretStream().bernoulli(probability, 3)


def test_uniform_numbers_are_never_an_end_of_their_interval() -> None:
    class Ends(SecretStream):
        def words(self, count: int) -> np.ndarray:
            return np.resize(np.array([0, 2**64 - 1], dtype=np.uint64), count)

    ends = Ends().uniform(2)
    assert 0 < ends[0] < 1e-15
    assert 1 - 1e-15 < ends[1] < 1


@pytest.mark.parametrize("count", [0, 1, 2, 7, 100_003])
def test_as_many_normals_as_asked_for_whatever_falls_outside_the_disc(count: int) -> None:
    class Unlucky(SecretStream):
        """Every other draw is a corner of the square, which is outside the disc."""

        turn = 0

        def words(self, count: int) -> np.ndarray:
            self.turn += 1
            return np.full(count, 2**63, dtype=np.uint64) if self.turn % 2 else super().words(count)

    for coins in (SecretStream(), Unlucky()):
        found = coins.normal(count)
        assert found.shape == (count,)
        assert np.isfinite(found).all()


ALPHA = 1e-7


def test_the_key_comes_whole_from_the_operating_system(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    real = os.urandom
    monkeypatch.setattr(os, "urandom", lambda count: asked.append(count) or real(count))
    SecretStream()
    assert asked == [32]


def test_no_global_seed_moves_the_coins() -> None:
    def draw() -> bytes:
        random.seed(0)
        np.random.seed(0)  # noqa: NPY002 - the global generator is what must not matter
        torch.manual_seed(0)
        return SecretStream().words(4).tobytes()

    assert draw() != draw()


def test_drawing_coins_leaves_the_global_generators_alone() -> None:
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002
    before = torch.rand(1).item(), np.random.random()  # noqa: NPY002
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002
    coins = SecretStream()
    coins.gaussian_noise(50)
    coins.bernoulli(0.5, 50)
    coins.discrete_gaussian(np.zeros(3, dtype=np.int64), 5.0)
    assert (torch.rand(1).item(), np.random.random()) == before  # noqa: NPY002


@pytest.mark.parametrize(
    "keep", [pickle.dumps, copy.copy, copy.deepcopy], ids=lambda keep: keep.__name__
)
def test_a_stream_cannot_be_kept(keep: Callable[[object], object]) -> None:
    for stream in (SecretStream(), RepeatableStream(1)):
        with pytest.raises(TypeError, match="cannot be pickled or copied"):
            keep(stream)


def test_a_stream_holds_its_key_nowhere_that_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    key = bytes(range(100, 132))
    monkeypatch.setattr(os, "urandom", lambda count: key[:count])
    stream = SecretStream()
    assert repr(stream) == str(stream) == f"{stream}" == "SecretStream(…)"
    shown = " ".join(f"{name} {value!r} {value}" for name, value in vars(stream).items())
    assert not _held(key, shown.encode())
    assert not [
        value
        for value in vars(stream).values()
        if isinstance(value, (bytes, bytearray, str, int, list, tuple))
    ]


def test_nothing_of_a_key_is_written_by_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A whole fit under a known key.

    Ledger, log, INTERNAL files, candidate and what is printed are searched for it.
    """
    key = bytes(range(100, 132))
    with world.quick():
        stream = RepeatableStream(0)
        stream._start(key)
        first = RepeatableStream(0)
        first._start(key)
        world.candidate(world.table(), stream, tmp_path)
    told = capfd.readouterr()
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 8
    for held in (*files, told.out.encode(), told.err.encode()):
        assert not _held(key, held)
        assert first.words(1).tobytes() not in held


def _held(key: bytes, text: bytes) -> bool:
    """Whether a text holds a key or half of it: raw, hexadecimal, base 64 or a list of numbers."""
    halves = (key, key[:16], key[16:])
    forms = [
        form
        for half in halves
        for form in (
            half,
            half.hex().encode(),
            base64.b64encode(half)[:20],
            repr(half).encode()[2:-1],
        )
    ]
    return any(form in text for form in [*forms, ", ".join(map(str, key[:16])).encode()])


# --- seeds and whole fits


def _fitted(folder: Path, coins: SecretStream, seed: int) -> Fitted:
    folder.mkdir()
    with world.quick():
        return world.fit(world.table(), coins, folder, world.plan(700), seed=seed)


def _one_way(fitted: Fitted) -> list[list[float]]:
    return [marginal.counts.tolist() for marginal in fitted.measurements.marginals[:3]]


def test_two_runs_with_one_seed_share_no_coin(tmp_path: Path) -> None:
    one, two = (_fitted(tmp_path / name, SecretStream(), 5) for name in "ab")
    assert (one.canaries.left_out != two.canaries.left_out).any()
    assert one.canaries.salt != two.canaries.salt
    assert not any(mine == other for mine, other in zip(_one_way(one), _one_way(two), strict=True))
    assert torch.equal(one.model.latents, two.model.latents)


def test_a_seed_moves_no_canary_and_no_noise(tmp_path: Path) -> None:
    """The same repeatable coins under two seeds.

    The coins fall alike, and only public randomness differs.
    """
    one, two = (_fitted(tmp_path / str(seed), RepeatableStream(1), seed) for seed in (5, 6))
    assert (one.canaries.left_out == two.canaries.left_out).all()
    assert (one.canaries.canary == two.canaries.canary).all()
    assert _one_way(one) == _one_way(two)
    assert not torch.equal(one.model.latents, two.model.latents)


def test_a_seed_moves_no_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor gradient noise: the first critic step of two seeds, with the same repeatable coins."""
    drawn: list[list[list[float]]] = []
    for seed in (5, 6):
        coins, asked = RepeatableStream(1), list[list[float]]()
        for name in ("bernoulli", "gaussian_noise"):
            monkeypatch.setattr(coins, name, _remembering(getattr(coins, name), asked))
        codes = np.random.default_rng(0).integers(0, 3, (80, 2))
        world.refined(codes, (3, 3), world.critic_settings(), coins, seed=seed)
        drawn.append(asked)
    assert len(drawn[0]) == 4 + 4 * 6
    assert drawn[0] == drawn[1]


def _remembering(
    draw: Callable[..., np.ndarray], asked: list[list[float]]
) -> Callable[..., np.ndarray]:
    def remembered(*arguments: float) -> np.ndarray:
        coins = draw(*arguments)
        asked.append(coins.tolist())
        return coins

    return remembered


# --- what is drawn from the stream


def test_membership_coins_are_independent_bernoulli() -> None:
    coins = SecretStream()
    draws = np.stack([coins.bernoulli(0.05, 500) for _ in range(400)])
    assert stats.binomtest(int(draws.sum()), draws.size, 0.05).pvalue > ALPHA
    sizes = draws.sum(axis=1)
    statistic = sizes.var(ddof=1) * (len(sizes) - 1) / (500 * 0.05 * 0.95)
    assert ALPHA < stats.chi2.sf(statistic, len(sizes) - 1) < 1 - ALPHA
    assert not coins.bernoulli(0.0, 1_000).any()
    assert coins.bernoulli(1.0, 1_000).all()


def test_a_repeatable_stream_repeats_and_is_not_secret() -> None:
    assert RepeatableStream(1).words(3).tolist() == RepeatableStream(1).words(3).tolist()
    assert RepeatableStream(1).words(3).tolist() != RepeatableStream(2).words(3).tolist()
    assert SecretStream.secret
    assert not RepeatableStream.secret


def test_gradient_noise_is_the_halved_sum_of_four_normals() -> None:
    """The defence of Opacus' secure mode (Holohan and Braghin 2021, section 5.1, n = 2).

    Σ over 2n normals, divided by √(2n).
    """
    noise, normals = (
        RepeatableStream(7).gaussian_noise(1_001),
        RepeatableStream(7).normal(4 * 1_001),
    )
    np.testing.assert_array_equal(noise, sum(normals.reshape(4, 1_001)) / 2)
    assert noise.dtype == np.float64


def test_noise_is_added_in_double_precision_and_rounded_last() -> None:
    """Otherwise the sum's last bits reveal the possible noise (Mironov 2012)."""

    class Chosen(SecretStream):
        def gaussian_noise(self, count: int) -> np.ndarray:
            return np.random.default_rng(3).normal(size=count) * 1e-3

    settings = world.critic_settings(noise_multiplier=1.0, max_grad_norm=1.0, expected_batch_size=1)
    rows = torch.randn(1, 400, generator=torch.Generator().manual_seed(0)) * 10
    sums, exact = [], []
    for coins in (world.Still(), Chosen()):
        critic = world.Flat(400)
        torch.nn.init.zeros_(critic.linear.weight)
        with world.caught_gradients(critic) as caught:
            world.trainer(critic, settings, coins).step(rows, world.kinds(1, 0))
        sums.append(caught[0])
        exact.append(critic.linear.weight.clipped_sum.flatten())
    noise = np.random.default_rng(3).normal(size=400) * 1e-3
    assert exact[0].dtype == torch.float64
    assert torch.equal(sums[1], torch.from_numpy(exact[0].numpy() + noise).float())
    assert not torch.equal(sums[1], sums[0] + torch.from_numpy(noise).float())
