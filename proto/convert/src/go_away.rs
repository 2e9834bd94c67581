//! Why a stream ends.

use entente_model::GoAwayReason;
use entente_proto::agent::v1 as wire;

pub fn go_away_to_proto(reason: GoAwayReason) -> wire::GoAwayReason {
    match reason {
        GoAwayReason::Shutdown => wire::GoAwayReason::Shutdown,
        GoAwayReason::Displaced => wire::GoAwayReason::Displaced,
        GoAwayReason::Revoked => wire::GoAwayReason::Revoked,
        GoAwayReason::Clone => wire::GoAwayReason::Clone,
        GoAwayReason::Overloaded => wire::GoAwayReason::Overloaded,
        GoAwayReason::Protocol => wire::GoAwayReason::Protocol,
        GoAwayReason::Behind => wire::GoAwayReason::Behind,
        GoAwayReason::NotKnown => wire::GoAwayReason::NotKnown,
        GoAwayReason::Other => wire::GoAwayReason::Unspecified,
    }
}

/// A reason of a later version becomes [`GoAwayReason::Other`].
pub fn go_away_from_proto(reason: wire::GoAwayReason) -> GoAwayReason {
    match reason {
        wire::GoAwayReason::Unspecified => GoAwayReason::Other,
        wire::GoAwayReason::Shutdown => GoAwayReason::Shutdown,
        wire::GoAwayReason::Displaced => GoAwayReason::Displaced,
        wire::GoAwayReason::Revoked => GoAwayReason::Revoked,
        wire::GoAwayReason::Clone => GoAwayReason::Clone,
        wire::GoAwayReason::Overloaded => GoAwayReason::Overloaded,
        wire::GoAwayReason::Protocol => GoAwayReason::Protocol,
        wire::GoAwayReason::Behind => GoAwayReason::Behind,
        wire::GoAwayReason::NotKnown => GoAwayReason::NotKnown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_comes_back_as_it_was_sent_and_a_later_one_is_another() {
        for number in 0..=i32::from(u8::MAX) {
            let wire = wire::GoAwayReason::try_from(number).unwrap_or_default();
            assert_eq!(go_away_to_proto(go_away_from_proto(wire)), wire);
        }
        assert_eq!(go_away_from_proto(wire::GoAwayReason::default()), GoAwayReason::Other);
    }
}
