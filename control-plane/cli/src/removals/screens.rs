//! The screens of a leave by a person who was moved before: in three tenants and in eighty, on narrow and wide terminals.

use entente_model::Timestamp;
use entente_proto::fleet::v1 as wire;
use wire::{Removal, RemovalProof, SignedStatement};

use super::rows;
use crate::operators::of_leave;
use crate::screens::{fits, fitted};

const NOW: i64 = 1_796_126_400;

fn at(seconds_ago: i64) -> Option<prost_types::Timestamp> {
    Some(prost_types::Timestamp { seconds: NOW - seconds_ago, nanos: 0 })
}

/// Most tenants have proven it, as in life; every twentieth has not.
fn of_the_leave(number: usize) -> Removal {
    let tenant = format!("tenants/{}-{number:02}", ["contoso", "fabrikam", "tailspin", "northwind"][number % 4]);
    let asked = Removal {
        id: format!("sam/user/nordwall/{number}@90"),
        tenant: tenant.clone(),
        operator: "operators/sam".into(),
        subject: "person".into(),
        cause: "LEFT".into(),
        request_time: at(15),
        connected: number % 20 != 3,
        ..Removal::default()
    };
    let residual = ("RESIDUAL".to_owned(), "sam@fabrikam.example is enabled; it was there before us".to_owned());
    match number % 20 {
        3 => Removal { state: "PENDING".into(), ..asked },
        7 => Removal { state: residual.0, detail: residual.1, ..asked },
        _ => Removal {
            state: "REMOVED".into(),
            complete: true,
            prove_time: at(4),
            proof: Some(RemovalProof {
                blocked_time: at(14),
                effective_by_time: at(-5_400),
                ..RemovalProof::default()
            }),
            signed: Some(SignedStatement { agent: format!("{tenant}/agents/7b1e1f0a"), ..SignedStatement::default() }),
            ..asked
        },
    }
}

/// Proven minutes before the leave, and no receipt of it.
fn of_a_move(number: usize) -> Removal {
    let it = of_the_leave(number);
    let (id, subject) = (format!("sam/member/{number}@40"), "member/l1-analyst/standard/nordwall/1".to_owned());
    Removal { id, subject, cause: "MEMBER_DROPPED".into(), request_time: at(200), complete: true, ..it }
}

fn screen(tenants: impl Iterator<Item = usize>, width: u16) -> String {
    let all: Vec<Removal> = tenants.flat_map(|number| [of_a_move(number), of_the_leave(number)]).collect();
    let ids: Vec<String> = all.iter().filter(|it| it.cause == "LEFT").map(|it| it.id.clone()).collect();
    let shown = fitted(&rows(&of_leave(all, &ids), Timestamp::from_unix(NOW)), width);
    assert!(!shown.contains("MEMBER_DROPPED"), "{shown}");
    shown
}

fits!(users_d05_a_leave_after_a_move_fits_every_terminal, [3, 7, 12].into_iter(), 80 => "leave-3-80.txt", 140 => "leave-3-140.txt", 200 => "leave-3-200.txt");
fits!(users_d05_a_leave_in_eighty_tenants_fits_every_terminal, 0..80, 80 => "leave-80-80.txt", 140 => "leave-80-140.txt", 200 => "leave-80-200.txt");
