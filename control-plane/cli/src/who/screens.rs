//! One person's access as people see it: in three tenants and in eighty, on narrow and wide terminals.

use entente_model::Timestamp;
use entente_proto::fleet::v1 as wire;

use super::list;
use crate::screens::{fits, fitted};

const NOW: i64 = 1_796_126_400;

/// Most rights are there, as in life; every twentieth tenant refuses a part, or waits for the person.
fn right(number: usize) -> wire::Access {
    let (state, reason, applied) = match number % 20 {
        3 => ("PARTIAL", "GUARDRAIL_CAPABILITY", 2),
        7 => ("WAITING", "REDEMPTION", 0),
        _ => ("APPLIED", "", 3),
    };
    wire::Access {
        tenant: format!("tenants/{}-{number:02}", ["contoso", "fabrikam", "tailspin", "northwind"][number % 4]),
        operator: "operators/li".into(),
        mail: "li@nordwall.example".into(),
        role: "socRoles/l2-analyst".into(),
        state: state.into(),
        reason: reason.into(),
        rights: 3,
        rights_applied: applied,
        rights_unknown: 0,
        assignments: vec!["assignments/nordic-investigation".into()],
        grounds: vec![wire::Ground {
            assignment: "assignments/nordic-investigation".into(),
            ticket: "CHG-4712".into(),
            justification: "Nordic L2 service".into(),
        }],
        verify_time: (applied > 0).then_some(prost_types::Timestamp { seconds: NOW - 12, nanos: 0 }),
        ..Default::default()
    }
}

fn screen(tenants: impl Iterator<Item = usize>, width: u16) -> String {
    let all: Vec<wire::Access> = tenants.map(right).collect();
    fitted(&list(&all, Timestamp::from_unix(NOW)), width)
}

fits!(a_person_in_three_tenants_fits_every_terminal, [3, 7, 12].into_iter(), 80 => "who-3-80.txt", 140 => "who-3-140.txt", 200 => "who-3-200.txt");
fits!(a_person_in_eighty_tenants_fits_every_terminal, 0..80, 80 => "who-80-80.txt", 140 => "who-80-140.txt", 200 => "who-80-200.txt");
