"""Compute the white-box attacks' scores from a candidate's model and critic. INTERNAL."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from privgan.generator.autoregressive import Autoregressive
from privgan.generator.history_likelihood import history_log_likelihoods
from privgan.generator.networks import Critic
from privgan.generator.scores import critic_scores, load_critic, save_critic
from privgan.owner.owners_table import RealRows
from privgan.pipeline.candidate import Candidate
from privgan.pipeline.read_candidate import AnyCandidate, ReadCandidate, read_candidate

CRITIC_FILE = "internal-critic.safetensors"


def keep_critic(candidate: Candidate, critic: Critic | Autoregressive) -> None:
    """Keep a run's critic inside, for the audit alone."""
    path = candidate.internal / CRITIC_FILE
    path.touch(mode=0o600)
    save_critic(critic, path)


def white_box_scores(
    candidate: AnyCandidate, rows: RealRows, canary_mask: np.ndarray
) -> Mapping[str, np.ndarray]:
    """By attack, each canary row's score [rows], kept-in ones first.

    High for a row that the fit seems to have seen.

    Args:
        candidate: The candidate.
        rows: Real rows that conform to its schema.
        canary_mask: Which of the kept-in rows are canaries' [kept-in rows], bool.
    """
    found = read_candidate(candidate)
    if found.synthesizer.parts:
        return _of_whole_customers(found, rows, canary_mask)
    synthesizer, path = found.synthesizer, found.files.internal / CRITIC_FILE
    codes = rows.canary_codes(canary_mask, synthesizer.encoder)
    scores = {"likelihood": synthesizer.distribution.log_likelihood(codes)}
    if path.exists():
        sizes = synthesizer.encoder.sizes
        scores["critic"] = critic_scores(load_critic(path, sizes), codes, sizes)
    return scores


def _of_whole_customers(
    found: ReadCandidate, rows: RealRows, canary_mask: np.ndarray
) -> Mapping[str, np.ndarray]:
    """Each row's score is that of its whole customer; none of related tables."""
    if found.schema.history is None:
        return {}
    parts = found.synthesizer.parts
    coded = ((model.part, model.encoder) for model in parts)
    owner, views = rows.canary_histories(canary_mask, coded)
    return {"likelihood": history_log_likelihoods(parts, views)[owner]}
