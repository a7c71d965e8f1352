"""The audit: how useful and how safe one synthetic table is.

INTERNAL: it reads real rows without noise.

    coding             tables as integer codes (marginals) and as numbers (classifiers, distances)
    inputs             what the audit reads, checked and coded
    replicates         one pass over a table: jackknife samples, nested random samples
    equivalence        a distance as "as good as a q % random sample"
    intervals          intervals, exact tests, Holm's correction, the area under the curve
    randomness         an independent random stream for each use
    ceilings           what the claimed (ε, δ) allows an attack to reach
    bounds             lower bounds on ε: Clopper-Pearson, and one training run
    fdp, score_bounds  further lower bounds, shown only
    power              the smallest ε that the deciding bound would have shown
    bound_metrics      the bounds as figures
    twin               a white-box self-test of DP-SGD
    fidelity           marginals and the two-sample classifier
    kmarginal          NIST's k-marginal score
    associations       Pearson, correlation ratio and Cramér's V, and how far they are off
    shapes             each column's distribution on all rows, missing values included
    coverage           categories, rare categories and ranges that are reached
    propensity         pMSE against real rows
    constraints        rows that break the schema
    subgroups          marginals inside named subgroups, the worst first
    quality            SDMetrics' quality report
    tasks, utility     train on synthetic, test on real
    importance         whether models of synthetic and of real rows rely on the same columns
    subgroup_utility   train on synthetic, test on real, by named subgroup
    queries            random range and count queries
    *_stage            the modules above as one stage each
    nearest            the one nearest-neighbour search
    roc                rates, curves and the risk of single records
    membership         membership inference on the canaries: the score that decides
    shown              further membership attacks, shown only
    contrasts          success on training rows against success on hold-out rows
    singling_out, linkability, inference    the three questions of WP216
    copies             synthetic rows that equal, or nearly equal, training rows
    proxies            similarity figures that are no measure of privacy
    notations          which of several ways to read a column's values holds
    number_notation, moment_notation, spelling    the ways to read numbers, moments, categories
    harmonise          a foreign table as the schema writes it, every change told
    legibility         what of a foreign table is lost, and the columns that leave for it
    copied             whether a foreign table holds copies, for its verdict
    reference_model    many small fits with and without the most exposed records; run only when asked
    attacks            what of these a whole audit runs
    verdict            what the figures say about the claim, and the report
    suite              all of them in one report with a verdict

Every function is a plain function of tables, scores and a seed: two runs give the same report, byte
for byte.
"""
