//! What a word, a field of intent, or an item of a tenant means, and whose move it is.

mod field;
#[cfg(test)]
mod page;
#[cfg(test)]
mod reference;

use entente_model::desired::ItemKey;
use entente_model::report::{ItemState, Reason};
use entente_proto::fleet::v1 as wire;
use serde_json::{Value, json};

use crate::args::{Explain, Format};
use crate::client::Client;
use crate::failure::Failure;
use crate::output::{self, Screen, plain};
use crate::pages::{every_page, full_name};
use crate::who;

/// Most items that are explained in one answer: more are a list, which `entente items` shows.
const MAX_ITEMS: usize = 20;

/// What needs no control plane; nothing if the answer is a tenant's.
pub(crate) fn word(ask: &Explain, format: Format) -> Option<Result<(), Failure>> {
    if ask.item.is_some() {
        return None;
    }
    let known = known(&ask.what);
    let shown = known.iter().map(shown_word).collect::<Vec<_>>().join("\n");
    let found = match known.as_slice() {
        [] => field::at(&ask.what).map(|found| (found.clone(), field::shown(&found))),
        [one] => Ok((one.clone(), shown)),
        several => Ok((Value::Array(several.to_vec()), shown)),
    };
    Some(match found {
        Ok((document, text)) => output::print(format, &document, || text),
        Err(why) => Err(Failure::Usage(format!(
            "{:?} is no state, reason or phase, and {why}; for an item: entente explain TENANT ITEM",
            ask.what
        ))),
    })
}

/// What a word means, of items and of tenants: some are words of both.
fn known(text: &str) -> Vec<Value> {
    let is = |word: &str| word.eq_ignore_ascii_case(text);
    let state = ItemState::ALL.into_iter().find(|it| is(it.word()));
    let reason = Reason::ALL.iter().find(|it| is(it.word()));
    let document = |word: &str, kind: &str, means: &str, (whose, what): (entente_model::report::advice::Move, &str)| json!({"word": word, "kind": kind, "means": means, "move": whose.text(), "toDo": what});
    let state = state.map(|it| document(it.word(), "state", it.meaning(), it.advice()));
    let reason = reason.map(|it| document(it.word(), "reason", it.meaning(), it.advice()));
    let phase = field::phase(text).map(|means| {
        let todo = "`entente status TENANT` says since when, whose move it is, and what that one does";
        json!({"word": text.to_ascii_uppercase(), "kind": "phase", "means": means, "move": "as the tenant's WHY says", "toDo": todo})
    });
    [state, reason, phase].into_iter().flatten().collect()
}

fn shown_word(found: &Value) -> String {
    let text = |name: &str| found[name].as_str().unwrap_or_default();
    format!(
        "{} ({})\n  {}\n  whose move  {}\n  to do       {}\n",
        text("word"),
        text("kind"),
        text("means"),
        text("move"),
        text("toDo")
    )
}

/// One item of a tenant, or those that a part of its name fits.
pub(crate) async fn item(mut client: Client, ask: Explain, format: Format) -> Result<(), Failure> {
    let tenant = full_name("tenants", &ask.what);
    let part = ask.item.unwrap_or_default();
    let request = wire::ListItemStatusesRequest { page_size: 1_000, tenant: tenant.clone(), ..Default::default() };
    let all: Vec<wire::ItemStatus> = every_page!(client.fleet, list_item_statuses, request, item_statuses);
    let chosen = chosen(&all, &part);
    if chosen.is_empty() {
        return Err(Failure::Failed(format!("{tenant} has no item {part:?}; `entente items {}` lists them", ask.what)));
    }
    if chosen.len() > MAX_ITEMS {
        let many = chosen.len();
        return Err(Failure::Usage(format!("{part:?} fits {many} items of {tenant}; name more of one")));
    }
    let rights = who::access(client, who::Only { tenant: Some(tenant.clone()), ..Default::default() }).await?;
    let found: Vec<Value> = chosen.into_iter().map(|it| explained(it, &rights)).collect();
    let text = found.iter().map(|it| shown_item(it, Screen::chosen())).collect::<Vec<_>>().join("\n");
    output::print(format, &Value::Array(found), || text)
}

/// By the whole key, else by a part of what is shown of it, without regard to case.
fn chosen<'a>(all: &'a [wire::ItemStatus], part: &str) -> Vec<&'a wire::ItemStatus> {
    if let Some(whole) = all.iter().find(|it| it.key == part) {
        return vec![whole];
    }
    let part = part.to_lowercase();
    let fits =
        |it: &&wire::ItemStatus| it.display.to_lowercase().contains(&part) || it.key.to_lowercase().contains(&part);
    all.iter().filter(fits).collect()
}

fn explained(it: &wire::ItemStatus, rights: &[wire::Access]) -> Value {
    // A word of a later version has no row here, and the advice says so.
    let state = ItemState::of(&it.state);
    let reason = (!it.reason.is_empty()).then(|| Reason::of(&it.reason));
    let (whose, what) = reason.map_or_else(|| state.advice(), Reason::advice);
    let means = reason.map_or_else(|| state.meaning(), Reason::meaning);
    let key = it.key.parse::<ItemKey>().ok();
    let role = key.as_ref().and_then(|key| key.role().map(ToString::to_string));
    let plane = key.as_ref().and_then(ItemKey::plane);
    let in_file = reason.map(|reason| reason.guardrail_keys(plane)).unwrap_or_default();
    let customer_runs: Vec<String> = in_file.iter().map(|key| format!("entente-agent explain {key}")).collect();
    // A membership is asked for by what gives the role to that person.
    let is_of_person = |right: &&wire::Access| !it.key.starts_with("member/") || right.operator == it.operator;
    let through = rights.iter().filter(|right| Some(&right.role) == role.as_ref()).filter(is_of_person);
    let through: Vec<_> = through.collect();
    let mut assignments: Vec<&String> = through.iter().flat_map(|right| &right.assignments).collect();
    assignments.sort();
    assignments.dedup();
    let mut operators: Vec<&String> = through.iter().map(|right| &right.operator).collect();
    // The operator of an item that is to be removed counts too.
    operators.extend(Some(&it.operator).filter(|operator| !operator.is_empty()));
    operators.sort();
    operators.dedup();
    json!({
        "tenant": it.tenant, "item": it.key, "what": if it.display.is_empty() { &it.key } else { &it.display },
        "state": it.state, "reason": it.reason, "detail": it.detail, "means": means,
        "move": whose.text(), "toDo": what, "role": role, "assignments": assignments, "operators": operators,
        "guardrailKeys": in_file, "customerRuns": customer_runs,
        "script": it.script, "customerWrites": customer_writes(&it.detail), "providerWrites": provider_writes(it, role.as_deref()),
    })
}

/// What the customer's file would say, where the detail names the key.
fn customer_writes(detail: &str) -> Option<String> {
    let (_, rest) = detail.split_once("capabilities.allow lacks ")?;
    let words = rest.split(';').next().unwrap_or(rest).trim();
    Some(format!("capabilities:\n  allow: [..., {words}]"))
}

/// What intent would say to leave the right out in this tenant.
fn provider_writes(it: &wire::ItemStatus, role: Option<&str>) -> Option<String> {
    let is_refused = it.state == "REFUSED" || it.state == "NEEDS_APPROVAL";
    let dropped = it
        .display
        .split(" at ")
        .next()
        .filter(|_| it.key.starts_with("azureRole/") || it.key.starts_with("entraRole/"))?
        .split(" in the directory")
        .next()?;
    let role = role.filter(|_| is_refused)?;
    let name = it.tenant.trim_start_matches("tenants/");
    Some(format!(
        "# in tenants/{name}\nexemptions:\n- {{role: {role}, drop: [{dropped}], reason: REASON, until: YYYY-MM-DD}}"
    ))
}

fn shown_item(found: &Value, screen: Screen) -> String {
    let text = |name: &str| found[name].as_str().unwrap_or_default();
    let list = |name: &str| {
        let names = found[name].as_array().into_iter().flatten().filter_map(Value::as_str);
        names.collect::<Vec<_>>().join(", ")
    };
    let state = format!("{} {}", text("state"), text("reason"));
    let rows = [
        ("item", text("what").to_owned()),
        ("state", state.trim_end().to_owned()),
        ("why", text("detail").to_owned()),
        ("means", text("means").to_owned()),
        ("asked by", list("assignments")),
        ("through", text("role").to_owned()),
        ("for", list("operators")),
        ("guardrail", list("guardrailKeys")),
        ("whose move", text("move").to_owned()),
        ("to do", text("toDo").to_owned()),
    ];
    let rows: Vec<_> = rows.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    let in_file: Vec<&str> = found["customerRuns"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let in_file = in_file.join("\n");
    let blocks = [
        ("the customer sees the line of the guardrail file with", in_file.as_str()),
        ("the customer writes", text("customerWrites")),
        ("intent says", text("providerWrites")),
        ("a person runs", text("script")),
    ];
    // Ready to be copied: as it is, however wide; what others wrote makes no line of ours.
    let block = |(name, value): (&str, &str)| {
        let lines: String = value.lines().map(|line| format!("      {}\n", plain(line))).collect();
        format!("  {name}\n{lines}")
    };
    let blocks = blocks.into_iter().filter(|(_, value)| !value.is_empty()).map(block);
    format!("{}\n{}{}", plain(text("tenant")), output::facts(screen, &rows), blocks.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused() -> wire::ItemStatus {
        wire::ItemStatus {
            tenant: "tenants/tailspin".into(),
            key: "azureRole/l1-analyst/standard/subscriptions/1/resourcegroups/rg/51d6186e-6489-4900-b93f-92e23144cca5"
                .into(),
            display: "Microsoft Sentinel Playbook Operator at rg, for socRoles/l1-analyst".into(),
            state: "REFUSED".into(),
            reason: "GUARDRAIL_CAPABILITY".into(),
            detail: "capabilities.allow lacks runPlaybooks".into(),
            ..Default::default()
        }
    }

    #[test]
    fn a_refusal_leads_to_who_asked_whom_it_touches_and_what_either_side_writes() {
        let right = wire::Access {
            tenant: "tenants/tailspin".into(),
            operator: "operators/maya".into(),
            role: "socRoles/l1-analyst".into(),
            assignments: vec!["assignments/nordic-triage".into()],
            ..Default::default()
        };
        let found = explained(&refused(), &[right]);
        expect_test::expect![[r#"
            tenants/tailspin
              item        Microsoft Sentinel Playbook Operator at rg, for socRoles/l1-analyst
              state       REFUSED GUARDRAIL_CAPABILITY
              why         capabilities.allow lacks runPlaybooks
              means       The guardrail does not allow what the role lets people do.
              asked by    assignments/nordic-triage
              through     socRoles/l1-analyst
              for         operators/maya
              guardrail   capabilities.allow
              whose move  the customer's or the service provider's
              to do       the customer adds the capability under `capabilities.allow`; or an exemption leaves it out
              the customer sees the line of the guardrail file with
                  entente-agent explain capabilities.allow
              the customer writes
                  capabilities:
                    allow: [..., runPlaybooks]
              intent says
                  # in tenants/tailspin
                  exemptions:
                  - {role: socRoles/l1-analyst, drop: [Microsoft Sentinel Playbook Operator], reason: REASON, until: YYYY-MM-DD}
        "#]]
        .assert_eq(&shown_item(&found, Screen::default()));
    }

    #[test]
    fn a_directory_role_can_be_left_out_by_its_name_too() {
        let item = wire::ItemStatus {
            key: "entraRole/l1-analyst/standard/5d6b6bb7-de71-4623-b4af-96380a352509".into(),
            display: "Security Reader in the directory, for l1-analyst".into(),
            ..refused()
        };
        let says = provider_writes(&item, Some("socRoles/l1-analyst")).unwrap();
        assert!(says.contains("drop: [Security Reader]"), "{says}");
    }

    #[test]
    fn a_membership_is_asked_for_by_what_gives_the_role_to_that_person() {
        let right = |operator: &str, assignment: &str| wire::Access {
            role: "socRoles/l1-analyst".into(),
            operator: format!("operators/{operator}"),
            assignments: vec![format!("assignments/{assignment}")],
            ..Default::default()
        };
        let rights = [right("maya", "nordic-triage"), right("jonas", "cover")];
        let member = |operator: &str| wire::ItemStatus {
            key: "member/l1-analyst/standard/nordwall/0b0de000-0000-4000-8000-000000000003".into(),
            operator: format!("operators/{operator}"),
            ..refused()
        };
        let found = explained(&member("jonas"), &rights);
        assert_eq!(
            (&found["assignments"], &found["operators"]),
            (&json!(["assignments/cover"]), &json!(["operators/jonas"]))
        );
        let moved_out = explained(&member("li"), &rights);
        assert_eq!((&moved_out["assignments"], &moved_out["operators"]), (&json!([]), &json!(["operators/li"])));
    }

    #[test]
    fn why_fits_every_terminal() {
        let right = wire::Access {
            role: "socRoles/l1-analyst".into(),
            operator: "operators/maya".into(),
            assignments: vec!["assignments/nordic-triage".into()],
            ..Default::default()
        };
        let found = explained(&refused(), &[right]);
        let screen = |width| shown_item(&found, Screen { width: Some(width), colour: false });
        expect_test::expect_file!["screens/why-80.txt"].assert_eq(&screen(80));
        expect_test::expect_file!["screens/why-140.txt"].assert_eq(&screen(140));
        expect_test::expect_file!["screens/why-200.txt"].assert_eq(&screen(200));
        let is_copied = |line: &&str| line.starts_with("      ");
        assert!(screen(80).lines().filter(|line| !is_copied(line)).all(|line| line.chars().count() <= 80));
    }

    #[test]
    fn the_key_of_the_customers_file_is_the_items_own() {
        let keys = |reason: &str| {
            explained(&wire::ItemStatus { reason: reason.into(), ..refused() }, &[])["customerRuns"].clone()
        };
        assert_eq!(keys("GUARDRAIL_PLANE"), json!(["entente-agent explain planes.azureRoles"]));
        assert_eq!(keys("THROTTLED"), json!([]));
    }

    #[test]
    fn a_reason_of_a_later_version_is_not_explained_by_its_state() {
        let later = wire::ItemStatus { reason: "SHINING".into(), ..refused() };
        assert_eq!(explained(&later, &[])["toDo"], "update this command");
    }

    #[test]
    fn items_are_found_by_their_key_or_by_a_part_of_what_is_shown() {
        let all = [refused()];
        assert_eq!(chosen(&all, &all[0].key).len(), 1);
        assert_eq!(chosen(&all, "playbook").len(), 1);
        assert!(chosen(&all, "nothing").is_empty());
    }

    #[test]
    fn a_word_is_explained_whatever_its_case_and_another_is_not_guessed() {
        let kinds =
            |word: &str| known(word).iter().map(|it| it["kind"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
        assert_eq!(kinds("guardrail_capability"), ["reason"]);
        assert_eq!(kinds("RESIDUAL"), ["state"]);
        assert_eq!(kinds("parked"), ["phase"]);
        assert!(known("NOTHING").is_empty());
        // Words of an item and of a tenant.
        assert_eq!(
            (kinds("PARTIAL"), kinds("waiting")),
            (vec!["state".to_owned(), "phase".to_owned()], kinds("PARTIAL"))
        );
    }
}
