"""Questions to a fitted synthesizer: counts, shares, means and quantiles with intervals."""

from __future__ import annotations

from privgan.answers.answer import Answer
from privgan.answers.asking import ask as asked
from privgan.answers.question import Target
from privgan.api.inputs import chosen
from privgan.api.kept import Fitted


class Asks:
    """What can be asked of what was fitted."""

    def _require(self) -> Fitted:
        raise NotImplementedError

    def ask(self, question: str, *, target: str = "table") -> Answer:
        """Answer a question about the real table with 95 % intervals. It costs nothing.

        Answers come from the noisy marginals that were paid for. What was not measured is the
        model's, and the answer says so.

        Args:
            question: A count, share, sum, mean, median or quantile, or the difference of two, with
                ``where`` and ``by``: ``"share(y = yes) by job"``.
            target: What intervals hold: ``table``, the real table's figure; or ``population``,
                that of whom the table is a random sample of.

        Raises:
            NotFittedError: when it is not fitted.
            UsageError: when the question cannot be read, or too few rows are meant.

        >>> fitted.ask("share(segment = gold)").figures[0].origin
        <Origin.MEASURED: 'measured'>
        >>> fitted.ask("mean(segment)")
        Traceback (most recent call last):
        privgan.errors.UsageError: mean goes with numbers and moments; segment is categorical; ...
        """
        fitted = self._require()
        meant = Target(chosen("target", target, tuple(one.value for one in Target)))
        return asked(fitted.model, fitted.folder, question, meant)
