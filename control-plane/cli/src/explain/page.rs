//! The page *states and reasons*, made from the same table as `entente explain`.

use std::fmt::Write as _;

use entente_model::report::{ItemState, Reason};

fn page() -> String {
    let mut out = String::from(
        "# States and reasons\n\nThe words that stand in `entente items`, `entente who`, `entente plan` and `entente-agent status`, and in the API.\n\
         `entente explain WORD` says the same, and so does `entente-agent explain WORD` at the customer, which says of an item too which\n\
         line of the guardrail file decides it.\n\
         This page is made from code: `UPDATE_EXPECT=1 cargo test -p entente-cli --lib page`.\n\n\
         ## States of an item\n\n| state | means | whose move | to do |\n|---|---|---|---|\n",
    );
    for it in ItemState::ALL {
        let (whose, what) = it.advice();
        let _ = writeln!(out, "| {} | {} | {} | {what} |", it.word(), it.meaning(), whose.text());
    }
    out.push_str("\n## Reasons\n\n| reason | means | whose move | to do |\n|---|---|---|---|\n");
    for it in Reason::ALL {
        let (whose, what) = it.advice();
        let _ = writeln!(out, "| {} | {} | {} | {what} |", it.word(), it.meaning(), whose.text());
    }
    out
}

#[test]
fn the_page_of_states_and_reasons_says_what_the_code_says() {
    expect_test::expect_file!["../../../../docs/states-and-reasons.md"].assert_eq(&page());
}
