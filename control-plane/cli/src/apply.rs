//! `apply`: manifests in one transaction, and what they change, field by field.

use std::time::Duration;

use entente_convert::access::manifest_to_proto;
use entente_proto::access::v1::{ApplyIntentRequest, ApplyIntentResponse, Deletion};

use crate::args::{Apply, Format};
use crate::change::{ask_for, changed, changes, look, send, text};
use crate::client::{Client, request_id};
use crate::confirm::Asked;
use crate::failure::Failure;
use crate::manifests::Read;
use crate::pages::label_pairs;
use crate::{leavers, leftover, manifests, output, prune, resources, wait};

pub(crate) async fn apply(mut client: Client, ask: Apply, format: Format) -> Result<(), Failure> {
    let read = manifests::read(&ask.files)?;
    read.note().iter().for_each(|note| output::aside(note));
    let deletions = to_prune(client.clone(), &ask, &read).await?;
    let request = ApplyIntentRequest {
        manifests: read.manifests.iter().map(manifest_to_proto).collect(),
        request_id: request_id(),
        validate_only: ask.dry_run,
        deletions,
    };
    let located = |failure: Failure| failure.located(|field| read.sources.place(field));
    let answer = put(&mut client, &request, &read, ask.yes).await.map_err(located)?;
    let leaving = leavers::of(&answer, &read.manifests);
    output::print(format, &output::document(&answer), || {
        text(&answer, ask.dry_run) + &leavers::text(&leaving, ask.dry_run)
    })?;
    leftover::note(client.clone(), &ask.files, &read.manifests, &request.deletions).await;
    if ask.wait {
        // Receipts come first: they are needed also where a tenant does not settle.
        leavers::wait(&mut client, &leaving, &answer, Duration::from_secs(ask.timeout), format).await?;
        wait::applied(&mut client, &answer, ask.timeout, format).await?;
    }
    if ask.exit_code && changed(&answer) > 0 { Err(Failure::WouldChange) } else { Ok(()) }
}

async fn to_prune(client: Client, ask: &Apply, read: &Read) -> Result<Vec<Deletion>, Failure> {
    if !ask.prune {
        return Ok(Vec::new());
    }
    let labels = label_pairs(&ask.labels)?;
    let stored = resources::every(client).await?;
    prune::deletions(&stored, read, &labels, (ask.dry_run, ask.yes))
}

/// Asks for what ends much, and carries it out.
async fn put(
    client: &mut Client,
    request: &ApplyIntentRequest,
    read: &Read,
    yes: bool,
) -> Result<ApplyIntentResponse, Failure> {
    if !request.validate_only && !yes {
        let looked = look(client, request).await?;
        let leaving = leavers::of(&looked, &read.manifests);
        if !leaving.is_empty() && matches!(Asked::of(false), Asked::Terminal) {
            output::before(&changes(&looked));
        }
        leavers::confirm(&leaving).await?;
        ask_for(&looked, Asked::of(false)).await?;
    }
    send(client, request).await
}
