//! Changes of intent: what is committed, what is not, and what is said of it.

use super::*;

fn create(manifest: Manifest) -> Change {
    Change { puts: vec![Put::Create { manifest }], deletes: Vec::new() }
}

fn update(of: &str, fields: Value, etag: Option<&str>) -> Change {
    let Value::Object(fields) = fields else { panic!("fields") };
    let put = Put::Update { name: name(of), fields, etag: etag.map(Into::into) };
    Change { puts: vec![put], deletes: Vec::new() }
}

fn reasons(error: AppError) -> (&'static str, String) {
    (error.reason(), error.to_string())
}

#[tokio::test]
async fn a_set_is_applied_and_says_what_it_touches() {
    let bed = Bed::new().await;
    let applied = bed.apply(sample()).await.unwrap();
    assert_eq!((applied.impact.tenants, applied.impact.people), (2, 2));
    assert!(applied.changes.iter().all(|change| change.kind == ChangeKind::Created));
    assert_eq!(applied.impact.operator_names, ["operators/li".parse().unwrap(), "operators/maya".parse().unwrap()]);
    let stored = bed.app.get(&viewer(), &name("tenants/contoso")).unwrap();
    assert_eq!((stored.manifest, stored.meta.revision), (customer("contoso", 1), applied.revision));
    assert!(bed.status(&tenant("contoso")).items > 3);
}

#[tokio::test]
async fn a_set_that_changes_nothing_commits_nothing() {
    let bed = Bed::with_sample().await;
    let before = bed.app.parts().history.store.revision();
    let again = bed.apply(sample()).await.unwrap();
    assert_eq!(bed.app.parts().history.store.revision(), before);
    assert_eq!(again.revision, bed.app.snapshot().revision);
    assert!(again.changes.iter().all(|change| change.kind == ChangeKind::Unchanged && change.fields.is_empty()));
    assert_eq!(again.impact, Impact::default());
}

#[tokio::test]
async fn validate_only_answers_the_same_and_changes_nothing() {
    let bed = Bed::with_sample().await;
    let before = bed.app.parts().history.store.revision();
    let change = || Change { puts: vec![Put::Set { manifest: squad(&["maya"]), etag: None }], deletes: Vec::new() };
    let only = Options { validate_only: true, ..options() };
    let asked = bed.app.intents().change(&editor(), change(), &only).await.unwrap();
    assert_eq!(bed.app.parts().history.store.revision(), before);
    let done = bed.app.intents().change(&editor(), change(), &options()).await.unwrap();
    assert_eq!((asked.impact, asked.changes), (done.impact.clone(), done.changes));
    assert_eq!((done.impact.tenants, done.impact.people), (2, 1));
    assert!(done.impact.items_removed >= 2, "{:?}", done.impact);
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer_and_another_one_under_its_id_is_refused() {
    let bed = Bed::with_sample().await;
    let once = Options { request_id: Some(Uuid::new_v4()), ..options() };
    let first = bed.app.intents().change(&editor(), create(person("sam", 9)), &once).await.unwrap();
    let revision = bed.app.parts().history.store.revision();
    assert_eq!(bed.app.intents().change(&editor(), create(person("sam", 9)), &once).await.unwrap(), first);
    assert_eq!(bed.app.parts().history.store.revision(), revision);
    let other = bed.app.intents().change(&editor(), create(person("ida", 10)), &once).await.unwrap_err();
    assert_eq!(other.reason(), "REQUEST_ID_REUSED");
    // Under another principal it is another request.
    let other = bed.app.intents().change(&admin(), create(person("sam", 9)), &once).await.unwrap_err();
    assert_eq!(other.reason(), "ALREADY_EXISTS");
    // After a day it is forgotten.
    bed.sleep(DAY + Duration::from_secs(1));
    bed.app.parts().cleanup.look().await.unwrap();
    let late = bed.app.intents().change(&editor(), create(person("sam", 9)), &once).await.unwrap_err();
    assert_eq!(late.reason(), "ALREADY_EXISTS");
}

#[tokio::test]
async fn a_request_that_changed_nothing_changes_nothing_when_it_is_repeated() {
    let bed = Bed::with_sample().await;
    let once = Options { request_id: Some(Uuid::new_v4()), ..options() };
    let same = || update("tenants/contoso", json!({"labels": {"region": "nordic"}}), None);
    let records = bed.app.audit(&viewer(), &page(), None).await.unwrap().items;
    let first = bed.app.intents().change(&editor(), same(), &once).await.unwrap();
    assert_eq!((first.changes[0].kind, first.revision), (ChangeKind::Unchanged, bed.app.snapshot().revision));
    assert_eq!(bed.app.audit(&viewer(), &page(), None).await.unwrap().items, records, "there is nothing to record");
    bed.relabel("contoso", 1).await;
    let moved = bed.app.get(&viewer(), &name("tenants/contoso")).unwrap();
    assert_eq!(bed.app.intents().change(&editor(), same(), &once).await.unwrap(), first);
    let bed = bed.restart(async |_, _| {}).await;
    assert_eq!(bed.app.intents().change(&editor(), same(), &once).await.unwrap(), first);
    assert_eq!(bed.app.get(&viewer(), &name("tenants/contoso")).unwrap(), moved);
}

#[tokio::test]
async fn updates_replace_fields_and_honour_the_etag() {
    let bed = Bed::with_sample().await;
    let before = bed.app.get(&viewer(), &name("tenants/contoso")).unwrap().meta;
    bed.sleep(Duration::from_secs(5));
    let fields = json!({"labels": {"region": "alpine"}, "namePrefix": null});
    let change = async |of: &str, fields: Value, etag: Option<&str>| {
        bed.app.intents().change(&editor(), update(of, fields, etag), &options()).await
    };
    let done = change("tenants/contoso", fields, Some(&before.etag)).await.unwrap();
    let Some(Stored { manifest: Manifest::Tenant(it), meta }) = done.resource else { panic!("a tenant") };
    assert_eq!(
        (it.labels["region"].as_str(), it.customer.as_str(), it.name_prefix.as_str()),
        ("alpine", "contoso", "ent-")
    );
    assert_eq!((meta.uid, meta.created, meta.revision), (before.uid, before.created, done.revision));
    assert!(meta.updated > before.updated && meta.etag != before.etag);
    assert_eq!(bed.app.get(&viewer(), &name("tenants/contoso")).unwrap().meta, meta, "the answer is what is stored");
    let paths: Vec<_> = done.changes[0].fields.iter().map(|it| it.path.as_str()).collect();
    assert_eq!(paths, ["labels.region"]);

    let stale = change("tenants/contoso", json!({}), Some(&before.etag)).await.unwrap_err();
    assert_eq!(stale.reason(), "STALE_ETAG");
    assert_eq!(change("tenants/tailspin", json!({}), None).await.unwrap_err().reason(), "NOT_FOUND");
    let wrong = change("tenants/contoso", json!({"labels": 3}), None).await;
    let (reason, text) = reasons(wrong.unwrap_err());
    assert!(reason == "INVALID" && text.contains("tenants/contoso: labels"), "{text}");
}

#[tokio::test]
async fn what_is_wrong_is_told_apart() {
    let bed = Bed::with_sample().await;
    let check = async |manifests: Vec<Manifest>, reason: &str, text: &str| {
        let before = bed.app.parts().history.store.revision();
        let error = bed.apply(manifests).await.unwrap_err();
        assert_eq!(error.reason(), reason, "{error}");
        assert!(error.to_string().contains(text), "{error}");
        assert_eq!(bed.app.parts().history.store.revision(), before);
    };
    let mut paused = serde_json::to_value(customer("contoso", 1)).unwrap();
    paused["delivery"] = "access_package".into();
    check(vec![manifest(paused.clone())], "UNIMPLEMENTED", "delivery").await;
    paused["namePrefix"] = "!".into();
    check(vec![manifest(paused)], "INVALID", "namePrefix").await;
    check(vec![person("sam", 9), person("sam", 9)], "INVALID", "named twice").await;
    check(vec![squad(&["maya", "nobody"])], "CONTRADICTS", "operators/nobody").await;
    check(vec![role(1, "response.manage")], "CONTRADICTS", "socRoles/l1@1").await;
    let many = (0..1_001).map(|number| person(&format!("p{number}"), number)).collect();
    check(many, "TOO_LARGE", "1000").await;
    let refused = bed.delete("socRoles/l1@1").await.unwrap_err();
    assert_eq!(refused.reason(), "CONTRADICTS", "{refused}");
    assert_eq!(bed.delete("squads/none").await.unwrap_err().reason(), "NOT_FOUND");
}

#[tokio::test]
async fn roles_bound_what_a_caller_may_do() {
    let bed = Bed::with_sample().await;
    let refused = bed.app.intents().change(&viewer(), create(person("sam", 9)), &options()).await.unwrap_err();
    assert_eq!(reasons(refused), ("ROLE_MISSING", "this needs the role editor; ask an admin".into()));
    let refused = bed.app.list_principals(&editor(), &page()).unwrap_err();
    assert_eq!(refused.reason(), "ROLE_MISSING");
}

#[tokio::test]
async fn a_leaver_comes_back_only_by_rejoining() {
    let bed = Bed::with_sample().await;
    let left = bed.leave("operators/maya").await;
    let Some(Stored { manifest: Manifest::Operator(maya), .. }) = left.resource else { panic!("an operator") };
    assert_eq!(maya.state.word(), "LEFT");
    assert_eq!((left.impact.tenants, left.impact.people), (2, 1));
    let again = bed.leave("operators/maya").await;
    assert_eq!(again.changes[0].kind, ChangeKind::Unchanged);
    assert_eq!(bed.apply(vec![person("maya", 3)]).await.unwrap_err().reason(), "CONTRADICTS");
    let maya = "operators/maya".parse().unwrap();
    bed.app.intents().rejoin_operator(&editor(), &maya, &options()).await.unwrap();
    let twice = bed.app.intents().rejoin_operator(&editor(), &maya, &options()).await.unwrap_err();
    assert_eq!(twice.reason(), "CONTRADICTS");
    assert!(bed.app.snapshot().fleet.intent().revocations.is_empty());
}

#[tokio::test]
async fn lists_page_by_name_within_a_kind() {
    let bed = Bed::with_sample().await;
    let mut token = String::new();
    let mut seen = Vec::new();
    loop {
        let page = bed.app.list(&viewer(), entente_model::intent::Kind::Operator, &PageRequest { size: 2, token });
        let page = page.unwrap();
        seen.extend(page.items.iter().map(|stored| stored.manifest.name().to_string()));
        token = page.next;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, ["operators/jonas", "operators/li", "operators/maya"]);
    let wrong = PageRequest { size: 0, token: "squads/nordic".into() };
    assert!(bed.app.list(&viewer(), entente_model::intent::Kind::Operator, &wrong).is_err());
}

#[tokio::test]
async fn the_audit_log_is_a_chain_and_names_each_change() {
    let bed = Bed::with_sample().await;
    bed.leave("operators/maya").await;
    bed.delete("assignments/nordic-l1").await.unwrap();
    let all = bed.app.audit(&viewer(), &page(), None).await.unwrap().items;
    assert!(all.windows(2).all(|pair| pair[0].previous == pair[1].digest && pair[0].revision > pair[1].revision));
    assert!(all.iter().all(|record| record.digest == record.hash()));
    assert_eq!(all.len(), 3);
    assert_eq!(all[0].resources, ["assignments/nordic-l1"]);
    assert_eq!(all[0].actor, "principals/admin");
    let first = bed.app.audit(&viewer(), &PageRequest { size: 2, token: String::new() }, None).await.unwrap();
    let rest = bed.app.audit(&viewer(), &PageRequest { size: 2, token: first.next }, None).await.unwrap();
    assert_eq!([first.items, rest.items].concat(), all);
    let maya = bed.app.audit(&viewer(), &page(), Some(&name("operators/maya"))).await.unwrap().items;
    assert_eq!(maya.len(), 2);
    // In a log of many pages the name is judged on the last one, if none before it had anything.
    let (gone, wrong) = (name("assignments/nordic-l1"), name("squads/nordc"));
    let last = |token: &str| PageRequest { size: 0, token: format!("{}{token}", all[0].revision) };
    assert!(bed.app.audit(&viewer(), &last(""), Some(&gone)).await.is_ok());
    let misspelt = bed.app.audit(&viewer(), &last("-"), Some(&wrong)).await.unwrap_err();
    assert_eq!(misspelt.reason(), "NOT_FOUND");
}

#[tokio::test]
async fn a_commit_that_the_store_refuses_leaves_nothing_behind() {
    let bed = Bed::with_sample().await;
    let before = bed.app.audit(&viewer(), &page(), None).await.unwrap().items;
    let refused = bed.app.commit(|decision| {
        decision.record(crate::history::AuditEntry {
            actor: "principals/admin".into(),
            method: "Test",
            request_id: None,
            resources: Vec::new(),
            summary: "too large".into(),
        });
        decision.put("meta/too-large".into(), vec![0; 2 << 20].into());
        Ok(())
    });
    assert_eq!(refused.await.unwrap_err().reason(), "TOO_LARGE");
    bed.apply(vec![person("sam", 9)]).await.unwrap();
    let after = bed.app.audit(&viewer(), &page(), None).await.unwrap().items;
    assert_eq!(after.len(), before.len() + 1);
    assert_eq!(after[0].previous, before[0].digest);
}

#[tokio::test]
async fn users_an_audit_record_says_what_changed_from_what_to_what_and_older_ones_hold() {
    let bed = Bed::with_sample().await;
    // As it was written before records had changes.
    let older = bed.app.commit(|decision| {
        decision.record(crate::history::AuditEntry {
            actor: "principals/admin".into(),
            method: "Test",
            request_id: None,
            resources: vec!["squads/nordic".into()],
            summary: "older".into(),
        });
        Ok(())
    });
    older.await.unwrap();
    bed.apply(vec![squad(&["maya"])]).await.unwrap();
    let all = bed.app.audit(&viewer(), &page(), None).await.unwrap().items;
    assert!(all.iter().all(|it| it.digest == it.hash()), "{all:?}");
    assert!(all.windows(2).all(|it| it[0].previous == it[1].digest), "{all:?}");
    assert_eq!(bed.app.audit_head(), Some(all[0].digest));
    let said = |it: &AuditedChange| {
        let fields = it.fields.iter().map(|it| format!("{}: {} -> {}", it.path, it.before, it.after));
        format!("{} {:?} {}", it.name, it.kind, fields.collect::<Vec<_>>().join(", "))
    };
    let changes: Vec<_> = all[0].changes.iter().map(said).collect();
    assert_eq!(changes, [r#"squads/nordic Updated members: [{"operator":"operators/li"}] -> []"#]);
    assert!(all[1].changes.is_empty());
    let mut altered = all[0].clone();
    altered.changes[0].fields[0].before = "[]".into();
    assert_ne!(altered.hash(), altered.digest, "what changed is covered by the digest");
}
