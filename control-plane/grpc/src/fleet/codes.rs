//! Words of states and reasons as enumerations, for programs that speak the API. A word of a later agent has no code of its own:
//! the field beside has it as it came.

use entente_model::report::Reason;
use entente_proto::fleet::v1 as wire;

pub(super) fn state(word: &str) -> i32 {
    wire::ItemState::from_str_name(&format!("ITEM_STATE_{word}")).unwrap_or(wire::ItemState::Later).into()
}

pub(super) fn reason(reason: Option<Reason>) -> i32 {
    let code = |it: Reason| wire::Reason::from_str_name(&format!("REASON_{}", it.word()));
    reason.map_or(wire::Reason::Unspecified, |it| code(it).unwrap_or(wire::Reason::Later)).into()
}

#[cfg(test)]
mod tests {
    use entente_model::report::ItemState;

    use super::*;

    #[test]
    fn every_word_has_its_code_and_a_later_one_says_so() {
        let states: Vec<i32> = ItemState::ALL.iter().map(|it| state(it.word())).collect();
        assert_eq!(states, (1..=ItemState::ALL.len() as i32).collect::<Vec<_>>());
        let reasons: Vec<i32> = Reason::ALL.iter().map(|it| reason(Some(*it))).collect();
        assert_eq!(reasons, (1..=Reason::ALL.len() as i32).collect::<Vec<_>>());
        let more = |at: usize| i32::try_from(at + 1).unwrap();
        assert!(wire::ItemState::try_from(more(ItemState::ALL.len())).is_err(), "a code without a word");
        assert!(wire::Reason::try_from(more(Reason::ALL.len())).is_err(), "a code without a word");
        assert_eq!([state("SHINING"), reason(Some(Reason::of("WONDERING"))), reason(None)], [1_000, 1_000, 0]);
    }
}
