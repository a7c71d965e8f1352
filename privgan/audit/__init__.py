"""The audit: how useful and how safe one synthetic table is. INTERNAL: it reads real rows without noise.

    coding       tables as integer codes (marginals) and as numbers (classifiers, distances)
    intervals    exact and score intervals, the area under the curve
    ceilings     what the claimed (ε, δ) allows an attack to reach
    bounds       lower bounds on ε: Clopper-Pearson, and one training run
    fidelity     marginals and the two-sample classifier
    quality      SDMetrics' quality report
    utility      train on synthetic, test on real
    nearest      the one nearest-neighbour search
    roc          rates, curves and the risk of single records
    membership   membership inference on the canaries: the score that decides
    shown        further membership attacks, shown only
    contrasts    success on training rows against success on hold-out rows
    singling_out, linkability, inference    the three questions of WP216
    copies       synthetic rows that equal, or nearly equal, training rows
    proxies      similarity figures that are no measure of privacy
    reference_model    many small fits with and without the most exposed records; run only when asked
    attacks      what of these a whole audit runs
    inputs       what the audit reads, checked and coded
    verdict      what the figures say about the claim, and the report
    suite        all of them in one report with a verdict

Every function is a plain function of tables, scores and a seed: two runs give the same report, byte for byte.
"""
