//! End-to-end stories: whole fleets of real processes over real TLS. Each story is a sentence.
//!
//! `cargo test -p entente-tests --test stories -- WORD` runs those whose name contains a word. With
//! `ENTENTE_STORY_LOGS=DIR`, every process's log and every call to the cloud stay in DIR.

mod access;
mod bad_input;
mod changes;
mod customers;
mod directory;
mod endings;
mod full_disk;
mod invitations;
mod kit;
mod leaving;
mod network;
mod phases;
mod quiet;
mod readme;
mod shim;
mod switches;
mod trust;
mod versions;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

macro_rules! stories {
    ($($module:ident: $($name:ident),+;)+) => {
        vec![$($(trial(stringify!($module), stringify!($name), |story| Box::pin($module::$name(story)))),+),+]
    };
}

fn main() -> ExitCode {
    // The processes of a fleet are this program, started again.
    if let Some(code) = entente_tests::role::play(std::env::args_os()) {
        return code;
    }
    let mut args = Arguments::from_args();
    // A fleet is many processes. Two at a time keep a small machine busy without starving either.
    args.test_threads.get_or_insert(2);
    let all = stories! {
        access:
            one_intent_becomes_verified_access_in_every_tenant,
            a_joiner_has_access_from_one_change,
            a_mover_changes_roles_without_a_gap,
            an_agent_that_was_away_converges_with_no_new_call,
            a_person_in_two_assignments_loses_nothing_when_one_ends,
            an_exemption_takes_a_right_away_and_gives_it_back_when_it_goes;
        changes:
            apply_waits_and_prunes_what_is_gone_from_the_files,
            who_leaves_by_a_file_is_gone_with_receipts;
        directory:
            a_directory_role_is_given_kept_and_taken_by_a_group_of_its_own,
            who_leaves_is_out_of_the_role_assignable_group_before_the_block,
            a_file_without_a_mode_lets_the_agent_look_and_a_person_give,
            the_permission_that_is_missing_for_directory_roles_is_named,
            taking_everything_back_takes_directory_roles_too;
        invitations:
            a_lost_answer_makes_no_second_invitation,
            a_kill_between_request_and_answer_makes_no_second_invitation,
            a_lag_longer_than_a_restart_makes_no_second_invitation,
            a_phantom_invitation_is_made_again_only_after_the_lag,
            access_waits_for_redemption_and_shows_the_link,
            an_identity_that_is_not_from_entra_is_blocked;
        leaving:
            a_leaver_is_gone_from_every_tenant_with_two_empty_reads,
            a_leaver_keeps_nobody_else_out,
            a_leaver_is_blocked_before_any_slow_answer,
            a_read_that_is_refused_leaves_a_leaver_unproven,
            a_leaver_with_an_admin_role_is_still_shut_out,
            a_leaver_in_a_hundred_tenants_is_confirmed_although_half_the_fleet_is_killed,
            a_tenant_that_is_away_is_named_until_it_confirms,
            who_left_comes_back_only_by_rejoining,
            who_leaves_again_is_proven_gone_again;
        full_disk:
            leavers_are_blocked_while_the_agents_disk_is_full_and_nobody_comes,
            an_agent_that_starts_on_a_full_disk_blocks_who_left_meanwhile,
            everything_can_be_taken_back_on_a_full_disk,
            an_agent_that_runs_on_a_full_disk_takes_everything_back_when_told;
        endings:
            a_credential_that_ends_soon_is_told_on_both_sides,
            a_new_delegation_is_taken_up_by_a_running_server,
            a_delegation_that_ends_is_told_before_and_a_leave_after_it_is_refused;
        network:
            an_agent_whose_only_way_out_is_a_proxy_does_everything_through_it,
            tls_inspection_of_what_is_pinned_is_named_and_an_exempt_host_enrols;
        customers:
            what_the_guardrail_does_not_allow_is_not_done,
            a_role_that_microsoft_lets_do_more_is_given_to_nobody_more,
            a_plane_that_is_only_verified_is_never_written,
            a_guest_who_was_there_before_is_not_taken_over,
            a_person_whom_the_customer_blocked_stays_blocked,
            a_person_whom_the_customer_deleted_is_invited_again_only_with_leave,
            what_somebody_removed_is_mended_and_what_they_added_is_taken_away,
            a_missing_permission_is_named,
            a_pause_stops_writes_and_a_resume_goes_on,
            everything_that_was_given_can_be_taken_back_without_the_control_plane,
            a_broken_guardrail_still_lets_a_leaver_go,
            what_a_narrower_guardrail_refuses_goes_when_somebody_says_so,
            a_throttled_tenant_converges;
        phases:
            users_d01_the_worst_cases_have_phases_of_their_own;
        readme:
            the_readmes_own_lines_lead_to_the_first_verified_access;
        quiet:
            after_convergence_only_periodic_reads_are_made,
            a_second_apply_changes_nothing_and_sends_nothing;
        trust:
            a_restarted_control_plane_goes_on_where_it_was,
            a_restored_backup_parks_until_a_new_epoch,
            a_state_that_was_altered_on_disk_is_refused,
            a_revoked_agent_is_cut_off;
        versions:
            an_agent_does_what_it_understands_of_a_later_control_plane,
            words_of_a_later_agent_are_kept_and_shown_as_they_came;
        bad_input:
            every_bad_input_is_a_clear_error_and_changes_nothing;
        switches:
            joining_and_leaving_hold_whichever_way_the_open_questions_fall;
    };
    libtest_mimic::run(&args, all).exit_code()
}

fn trial(module: &str, name: &str, story: kit::StoryFn) -> Trial {
    let full = format!("{module}::{name}");
    Trial::test(full.clone(), move || kit::run(&full, story).map_err(|error| format!("{error:#}").into()))
}
