"""All checks: functions that raise AssertionError where a promise does not hold."""

from tests.sabotage.checks_of_books import (
    a_checkpoint_resumes_once_and_pays,
    a_cut_ledger_is_refused,
    a_plan_costs_at_most_its_budget,
    events_dominate_their_mechanisms,
    every_look_is_charged_before,
    loading_runs_no_code,
    no_internal_figure_leaves,
    noise_drawn_is_noise_charged,
    nothing_but_mechanisms_sees_the_rows,
    one_row_moves_counts_by_its_sensitivity,
    one_table_has_one_budget,
    receipts_work_once,
    runs_add_up,
    sampling_needs_no_row,
    sensitivities_come_from_the_unit,
    the_generator_sees_no_row,
    the_ledger_tells_no_customer,
    what_a_trigger_removes_is_not_charged,
)
from tests.sabotage.checks_of_choices import (
    candidates_of_many_columns_follow_from_outcomes_alone,
    coarse_marginals_follow_from_outcomes_alone,
    one_row_moves_a_choice_by_its_sensitivity,
)
from tests.sabotage.checks_of_features import (
    each_customers_features_are_its_own,
    features_have_no_order_of_the_file,
)
from tests.sabotage.checks_of_forms import (
    an_id_that_repeats_is_no_row_of_its_own,
    each_row_is_typed_alone,
)
from tests.sabotage.checks_of_gan import (
    nothing_around_the_gans_critic_sees_a_row,
    the_gans_rows_are_charged_before,
)
from tests.sabotage.checks_of_histories import (
    a_customers_events_are_one_sample,
    each_customers_views_are_its_own,
    views_hold_no_more_rows_than_their_steps_count,
)
from tests.sabotage.checks_of_libraries import (
    a_library_that_states_more_stops_the_run_unpaid,
    libraries_state_what_is_charged,
    no_step_goes_unchecked,
)
from tests.sabotage.checks_of_marginals import (
    marginals_that_leave_are_what_was_paid_for,
    noise_that_is_not_there_shows,
)
from tests.sabotage.checks_of_network import (
    each_customer_moves_the_network_by_one_clip_norm,
    each_row_moves_the_network_by_its_clipped_gradient,
    every_tensor_of_the_network_gets_noise,
    nothing_around_the_network_sees_a_row,
    the_network_sees_rows_by_their_noisy_sums_alone,
    the_network_takes_the_plans_steps,
    the_networks_batches_are_poisson_samples,
    the_networks_rows_are_charged_before,
)
from tests.sabotage.checks_of_ordered import (
    each_customers_ordered_rows_are_its_own,
    ordered_views_hold_no_more_rows_than_their_steps_count,
)
from tests.sabotage.checks_of_rare import (
    a_rare_outcomes_first_count_is_charged_and_noisy_alone,
    codes_follow_a_rare_outcome_by_noisy_counts_alone,
)
from tests.sabotage.checks_of_related import (
    each_customers_rows_are_its_own_in_every_table,
    related_views_hold_no_more_rows_than_their_steps_count,
    rows_that_belong_to_nobody_are_refused,
)
from tests.sabotage.checks_of_releases import (
    a_release_is_searched_before_it_is_recorded,
    public_texts_stop_no_release,
    what_can_never_pass_charges_nothing,
)
from tests.sabotage.checks_of_steps import (
    a_key_holds_at_least_128_bits,
    batches_are_poisson_samples,
    clipping_bounds_extreme_rows,
    coins_cannot_be_kept,
    contributions_are_bounded,
    discoveries_keep_their_delta,
    each_customer_is_clipped_as_one,
    each_row_is_clipped_alone,
    no_seed_moves_a_coin,
    noise_has_the_plans_scale,
    only_noisy_gradients_move_the_critic,
    private_steps_are_the_plans,
    repeatable_coins_promise_nothing,
    what_runs_is_what_was_charged,
)
from tests.sabotage.checks_of_tables import (
    a_fit_reads_its_table_once,
    an_exit_for_the_ledger_or_the_coins_tells_no_value,
    rows_are_touched_by_their_table_alone,
    tables_cannot_be_kept_or_shown,
    the_source_reads_rows_by_its_doors_only,
)
from tests.sabotage.checks_of_tasks import (
    a_shareable_report_tells_of_tasks_by_noisy_figures_alone,
    a_tasks_marginals_are_charged_as_many_as_are_measured,
)

ALL = (
    a_fit_reads_its_table_once,
    an_exit_for_the_ledger_or_the_coins_tells_no_value,
    rows_are_touched_by_their_table_alone,
    tables_cannot_be_kept_or_shown,
    the_source_reads_rows_by_its_doors_only,
    an_id_that_repeats_is_no_row_of_its_own,
    each_row_is_typed_alone,
    each_customers_features_are_its_own,
    features_have_no_order_of_the_file,
    each_customers_rows_are_its_own_in_every_table,
    related_views_hold_no_more_rows_than_their_steps_count,
    rows_that_belong_to_nobody_are_refused,
    each_customers_ordered_rows_are_its_own,
    ordered_views_hold_no_more_rows_than_their_steps_count,
    a_customers_events_are_one_sample,
    each_customers_views_are_its_own,
    views_hold_no_more_rows_than_their_steps_count,
    a_cut_ledger_is_refused,
    one_table_has_one_budget,
    the_ledger_tells_no_customer,
    what_a_trigger_removes_is_not_charged,
    noise_has_the_plans_scale,
    no_seed_moves_a_coin,
    a_key_holds_at_least_128_bits,
    coins_cannot_be_kept,
    repeatable_coins_promise_nothing,
    each_row_is_clipped_alone,
    each_customer_is_clipped_as_one,
    contributions_are_bounded,
    discoveries_keep_their_delta,
    clipping_bounds_extreme_rows,
    batches_are_poisson_samples,
    private_steps_are_the_plans,
    what_runs_is_what_was_charged,
    only_noisy_gradients_move_the_critic,
    the_generator_sees_no_row,
    nothing_but_mechanisms_sees_the_rows,
    one_row_moves_counts_by_its_sensitivity,
    sampling_needs_no_row,
    every_look_is_charged_before,
    a_rare_outcomes_first_count_is_charged_and_noisy_alone,
    codes_follow_a_rare_outcome_by_noisy_counts_alone,
    noise_drawn_is_noise_charged,
    events_dominate_their_mechanisms,
    sensitivities_come_from_the_unit,
    a_plan_costs_at_most_its_budget,
    receipts_work_once,
    runs_add_up,
    a_checkpoint_resumes_once_and_pays,
    loading_runs_no_code,
    no_internal_figure_leaves,
    a_release_is_searched_before_it_is_recorded,
    public_texts_stop_no_release,
    what_can_never_pass_charges_nothing,
    candidates_of_many_columns_follow_from_outcomes_alone,
    coarse_marginals_follow_from_outcomes_alone,
    one_row_moves_a_choice_by_its_sensitivity,
    marginals_that_leave_are_what_was_paid_for,
    noise_that_is_not_there_shows,
    libraries_state_what_is_charged,
    no_step_goes_unchecked,
    a_library_that_states_more_stops_the_run_unpaid,
    each_customer_moves_the_network_by_one_clip_norm,
    each_row_moves_the_network_by_its_clipped_gradient,
    every_tensor_of_the_network_gets_noise,
    nothing_around_the_network_sees_a_row,
    the_network_sees_rows_by_their_noisy_sums_alone,
    the_network_takes_the_plans_steps,
    the_networks_batches_are_poisson_samples,
    the_networks_rows_are_charged_before,
    nothing_around_the_gans_critic_sees_a_row,
    the_gans_rows_are_charged_before,
    a_tasks_marginals_are_charged_as_many_as_are_measured,
    a_shareable_report_tells_of_tasks_by_noisy_figures_alone,
)
