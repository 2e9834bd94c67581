//! One person's invitations that are not redeemed yet: the links are personal, and shown nowhere else.

use std::collections::BTreeMap;

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
    let links = links(&all);
    if ask.mail && format.is_for_people() && !links.is_empty() {
        return output::say(&mail(&links));
    }
    if links.is_empty() && format.is_for_people() {
        return output::say(&format!("{} has nothing to redeem\n", ask.person));
    }
    let documents = links.iter().map(|[tenant, mail, link]| json!({"tenant": tenant, "mail": mail, "redeemUrl": link}));
    let rows = links.iter().map(|link| (*link).map(str::to_owned));
    List::of(["TENANT", "ACCOUNT", "LINK"], rows).print(format, &documents.collect(), ("", ""))
}

/// Tenant, account and link, each once: a person has one invitation in a tenant, and may have several roles.
fn links(all: &[Access]) -> Vec<[&str; 3]> {
    // What an agent reports becomes the text of a mail: one line, and a link.
    let is_link =
        |url: &str| url.starts_with("https://") && !url.contains(|c: char| c.is_control() || c.is_whitespace());
    let waiting = all.iter().filter(|it| is_link(&it.redeem_url));
    let once: BTreeMap<_, _> =
        waiting.map(|it| ((who::short(&it.tenant), it.mail.as_str()), it.redeem_url.as_str())).collect();
    once.into_iter().map(|((tenant, mail), link)| [tenant, mail, link]).collect()
}

/// A mail to the person, with all links.
fn mail(links: &[[&str; 3]]) -> String {
    let mut to: Vec<&str> = links.iter().map(|[_, mail, _]| *mail).collect();
    to.dedup();
    let invitations = count(i32::try_from(links.len()).unwrap_or(i32::MAX), "invitation", "invitations");
    let mut text = format!(
        "To: {}\nSubject: {invitations} to redeem\n\nOpen each link once, signed in as the account beside it, and accept. Each \
         is yours alone: do not pass it on.\n",
        to.join(", ")
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
        assert!(links(&evil).is_empty());
        let all = [of("contoso", "l1", "https://a"), of("contoso", "l2", "https://a"), of("adatum", "l1", "")];
        let links = links(&all);
        assert_eq!(links, [["contoso", "maya@nordwall.example", "https://a"]]);
        let text = mail(&links);
        assert!(text.starts_with("To: maya@nordwall.example\nSubject: 1 invitation to redeem\n\n"), "{text}");
        assert!(text.ends_with("\ncontoso (maya@nordwall.example)\nhttps://a\n"), "{text}");
    }
}
