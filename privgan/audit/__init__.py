"""Measure how useful and how safe one synthetic table is.

INTERNAL: the audit reads real rows without noise.

    suite              run all stages: one report with a verdict
    inputs             check the tables and encode them
    coding             tables as integer codes (marginals) and numbers (models, distances)
    intervals          interval estimators, jackknife, exact tests, Holm's correction, AUC
    randomness         one independent random stream for each use
    nearest            exact nearest-neighbour search
    report             the verdict on the claimed (ε, δ), and the report

    fidelity/          how close the synthetic table is to the real one
      marginals        total variation, k-marginal score, classifier two-sample test
      shapes           each column's distribution, missing values included
      associations     Pearson's r, ω and Cramér's V, and their difference
      coverage         categories, rare categories, ranges; violations of the schema
      propensity       propensity-score mean squared error against its null
      subgroups        marginals inside named subgroups, the worst first
      queries          random queries; distances as equivalent random samples
      quality          SDMetrics' quality score

    utility/           train on synthetic rows, test on real rows
      tasks, utility   prediction tasks, their models and the gap to real rows
      subgroup_gap     the gap by named subgroup
      importance       agreement of permutation importances

    histories/         whole customers, of a schema with a history
      histories        events by customer and time, in an order of their contents
      cells, statistics    distributions over fixed cells, and single numbers
      measures         distances beside two random halves of the real customers
      repeat           predict that a customer comes again
      lifetime_value   expected purchases by the BG/NBD model

    attacks/           what an attacker reaches
      membership       the deciding score on the canaries
      roc              error rates, curves, record risks
      diagnostics, white_box, proxies, reference_model    diagnostics, never deciding
      contrasts        success on training rows against hold-out rows
      singling_out, linkability, inference    the three questions of WP216
      copies, copied   exact and near copies; the decision for a foreign table
      customers        all events of one customer as the target

    lower_bounds/      lower bounds on ε
      bounds           one training run, and Clopper-Pearson
      metrics, power   the bounds as metrics; the smallest ε they would show
      fdp, ceilings    Gaussian bounds (diagnostics); highest figures a claim allows
      twin             white-box self-test of DP-SGD

    foreign/           tables that any tool made
      notations, moment_notation    readings of numbers, categories and moments
      harmonise        values in the schema's notation, every change reported
      legibility       lost values, and the columns left out for them

Every function takes tables, scores and a seed and returns figures. Two runs give the same
report, byte for byte.
"""
