//! One person's invitations that are not redeemed yet: the links are personal, and shown nowhere else.

use std::collections::{BTreeMap, BTreeSet};

use entente_proto::fleet::v1::Access;
use serde_json::json;

use crate::args::{Format, Redeem};
use crate::client::Client;
use crate::failure::Failure;
use crate::impact::count;
use crate::output::{self, List};
use crate::who;

pub(crate) async fn redeem(client: Client, ask: Redeem, format: Format) -> Result<(), Failure> {
    let all = who::access(client, who::Only { operator: Some(ask.person.clone()), ..Default::default() }).await?;
    let open = open(&all);
    let links = links(&open);
    if ask.mail && format.is_for_people() && !links.is_empty() {
        output::say(&mail(&links))?;
        without_link(&open).iter().for_each(|line| output::aside(line));
        return Ok(());
    }
    if open.is_empty() && format.is_for_people() {
        return output::say(&format!("{} has nothing to redeem\n", ask.person));
    }
    let documents = open.iter().map(
        |((tenant, mail), it)| json!({"tenant": tenant, "mail": mail, "redeemUrl": it.link(), "state": it.text()}),
    );
    let rows = open.iter().map(|((tenant, mail), it)| {
        let link = if it.link().is_empty() { it.text() } else { it.link() };
        [*tenant, *mail, link].map(str::to_owned)
    });
    List::of(["TENANT", "ACCOUNT", "LINK"], rows).print(format, &documents.collect(), ("", ""))
}

/// What keeps a person from having an account of their own.
#[derive(Debug, PartialEq, Eq)]
enum Invitation<'a> {
    Link(&'a str),
    /// The invitation is open, and the control plane has no link: the agent found the account by a look-up, or the report had no
    /// room for the link.
    LinkNotKnown,
    NotInvited,
    NotKnown,
}

impl Invitation<'_> {
    fn of(it: &Access) -> Option<Invitation<'_>> {
        // What an agent reports becomes the text of a mail: one line, and a link.
        let is_link =
            |url: &str| url.starts_with("https://") && !url.contains(|c: char| c.is_control() || c.is_whitespace());
        let waits = |reason: &str| reason == "REDEMPTION";
        match it.account_state.as_str() {
            _ if is_link(&it.redeem_url) => Some(Invitation::Link(&it.redeem_url)),
            _ if waits(&it.account_reason) || waits(&it.reason) => Some(Invitation::LinkNotKnown),
            "APPLIED" => None,
            "PENDING" | "WAITING" | "HELD" | "NEEDS_APPROVAL" => Some(Invitation::NotInvited),
            // An older control plane does not say it; who is a member has redeemed.
            "" if it.state == "APPLIED" || it.state == "PARTIAL" => None,
            // The account may be there, and be refused or blocked now.
            _ => Some(Invitation::NotKnown),
        }
    }

    fn link(&self) -> &str {
        if let Self::Link(link) = self { link } else { "" }
    }

    fn text(&self) -> &'static str {
        match self {
            Self::Link(_) => "to redeem",
            Self::LinkNotKnown => "link not known",
            Self::NotInvited => "not invited yet",
            Self::NotKnown => "not known whether invited",
        }
    }
}

/// By tenant and account, each once: a person has one invitation in a tenant, and may have several roles.
type Open<'a> = BTreeMap<(&'a str, &'a str), Invitation<'a>>;

fn open(all: &[Access]) -> Open<'_> {
    let of = |it| Invitation::of(it).map(|open| ((who::short(&it.tenant), it.mail.as_str()), open));
    all.iter().filter_map(of).collect()
}

fn links<'a>(open: &Open<'a>) -> Vec<[&'a str; 3]> {
    let link = |((tenant, mail), it): (&(&'a str, &'a str), &Invitation<'a>)| match it {
        Invitation::Link(link) => Some([*tenant, *mail, *link]),
        _ => None,
    };
    open.iter().filter_map(link).collect()
}

/// Lines beside a mail: invitations that the mail has no link for.
fn without_link(open: &Open<'_>) -> Vec<String> {
    let of = |what: Invitation<'_>| {
        let tenants: Vec<&str> = open.iter().filter(|(_, it)| **it == what).map(|((tenant, _), _)| *tenant).collect();
        (!tenants.is_empty()).then(|| format!("{}: {}", what.text(), tenants.join(", ")))
    };
    [Invitation::LinkNotKnown, Invitation::NotInvited, Invitation::NotKnown].into_iter().filter_map(of).collect()
}

/// A mail to the person, with all links.
fn mail(links: &[[&str; 3]]) -> String {
    let to: BTreeSet<&str> = links.iter().map(|[_, mail, _]| *mail).collect();
    let invitations = count(i32::try_from(links.len()).unwrap_or(i32::MAX), "invitation", "invitations");
    let mut text = format!(
        "To: {}\nSubject: {invitations} to redeem\n\nOpen each link once, signed in as the account beside it, and accept. Each \
         is yours alone: do not pass it on.\n",
        to.into_iter().collect::<Vec<_>>().join(", ")
    );
    for [tenant, mail, link] in links {
        text.push_str(&format!("\n{tenant} ({mail})\n{link}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_d18_a_persons_links_are_listed_once_each_and_make_a_mail() {
        let of = |tenant: &str, role: &str, link: &str| Access {
            tenant: format!("tenants/{tenant}"),
            role: role.into(),
            mail: "maya@nordwall.example".into(),
            redeem_url: link.into(),
            ..Default::default()
        };
        let evil = [of("contoso", "l1", "https://a\n\nAlso open https://b"), of("adatum", "l1", "ftp://a")];
        assert!(links(&open(&evil)).is_empty());
        let all = [of("contoso", "l1", "https://a"), of("contoso", "l2", "https://a"), of("adatum", "l1", "")];
        let links = links(&open(&all));
        assert_eq!(links, [["contoso", "maya@nordwall.example", "https://a"]]);
        let text = mail(&links);
        assert!(text.starts_with("To: maya@nordwall.example\nSubject: 1 invitation to redeem\n\n"), "{text}");
        assert!(text.ends_with("\ncontoso (maya@nordwall.example)\nhttps://a\n"), "{text}");
    }

    #[test]
    fn an_invitation_that_is_open_is_named_also_where_no_link_is_known() {
        let of = |tenant: &str, mail: &str, link: &str, (state, reason): (&str, &str)| Access {
            tenant: format!("tenants/{tenant}"),
            mail: mail.into(),
            redeem_url: link.into(),
            account_state: state.into(),
            account_reason: reason.into(),
            ..Default::default()
        };
        let waits = ("WAITING", "REDEMPTION");
        let all = [
            of("adatum", "li@a", "https://a", waits),
            of("adatum", "adm-li@a", "https://b", waits),
            of("contoso", "li@a", "https://c", waits),
            of("fabrikam", "li@a", "", waits),
            of("litware", "li@a", "", ("PENDING", "")),
            of("tailspin", "li@a", "", ("REFUSED", "GUARDRAIL_MAIL_DOMAIN")),
            of("wingtip", "li@a", "", ("APPLIED", "")),
            Access { reason: "REDEMPTION".into(), ..of("of-an-older-server", "li@a", "", ("", "")) },
        ];
        let open = open(&all);
        let texts: Vec<_> = open.iter().map(|((tenant, _), it)| format!("{tenant}: {}", it.text())).collect();
        expect_test::expect![[r#"
            adatum: to redeem
            adatum: to redeem
            contoso: to redeem
            fabrikam: link not known
            litware: not invited yet
            of-an-older-server: link not known
            tailspin: not known whether invited"#]]
        .assert_eq(&texts.join("\n"));
        let beside = [
            "link not known: fabrikam, of-an-older-server",
            "not invited yet: litware",
            "not known whether invited: tailspin",
        ];
        assert_eq!(without_link(&open), beside);
        let text = mail(&links(&open));
        assert!(text.starts_with("To: adm-li@a, li@a\nSubject: 3 invitations"), "each address once: {text}");
    }
}
