//! From what was asked to the file that does it.

use clap::CommandFactory;
use serde_json::{Value, json};

use crate::args::{Args, Command, ContextCommand, Format};
use crate::client::Client;
use crate::context::{self, Context, Contexts};
use crate::failure::Failure;
use crate::output::{self, List, column, wide};
use crate::{
    admin, apply, audit, certificate, endings, events, explain, items, operators, redeem, removals, resources, status,
    wait, who,
};

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    output::Screen::choose(args.output == Format::Wide);
    if args.output.is_for_people() {
        output::zone::choose(&args.time_zone)?;
    }
    if let Command::Completion { shell } = args.command {
        return completion(shell);
    }
    if let Command::Explain(ask) = &args.command
        && let Some(outcome) = explain::word(ask, args.output)
    {
        return outcome;
    }
    if matches!(args.output, Format::Name | Format::Csv) && !args.command.is_list() {
        // Before anything is asked or done.
        return Err(output::not_a_list());
    }
    let file = context::file(args.config.as_deref())?;
    let contexts = Contexts::load(&file)?;
    let format = args.output;
    if let Command::Context(command) = args.command {
        return manage_contexts(command, contexts, &file, format);
    }
    let context = contexts.choose(args.context.as_deref(), &file)?;
    let client = Client::new(&context)?;
    let now = output::now();
    let outcome = ask(args.command, client, &context, format).await;
    outcome.map_err(|failure| certificate::explained(failure, &context, now))
}

async fn ask(command: Command, client: Client, context: &Context, format: Format) -> Result<(), Failure> {
    match command {
        Command::Apply(ask) => apply::apply(client, ask, format).await,
        Command::Get(ask) => resources::get(client, &ask.what, format).await,
        Command::Describe { name } => resources::describe(client, &name, format).await,
        Command::Delete(ask) => resources::delete(client, ask, format).await,
        Command::Status(ask) => status::status(client, ask, format).await,
        Command::Wait(ask) => wait::wait(client, ask, format).await,
        Command::Endings => endings::endings(client, format).await,
        Command::Events(ask) => events::events(client, ask, format).await,
        Command::Items(ask) => items::items(client, ask, format).await,
        Command::Who(ask) => who::who(client, ask, format).await,
        Command::Explain(ask) => explain::item(client, ask, format).await,
        Command::Redeem(ask) => redeem::redeem(client, ask, format).await,
        Command::Plan { tenant } => items::plan(client, &tenant, format).await,
        Command::Compare { tenant } => items::compare(client, &tenant).await,
        Command::Resend { tenant } => items::resend(client, &tenant).await,
        Command::Removals(ask) => removals::run(client, &context.ca, ask, format).await,
        Command::Operators(ask) => operators::run(client, &context.ca, ask, format).await,
        Command::Tokens(ask) => admin::tokens(client, ask, format).await,
        Command::Agents(ask) => admin::agents(client, ask, format).await,
        Command::Principals(ask) => admin::principals(client, ask, format).await,
        Command::Audit(ask) => audit::audit(client, ask, format).await,
        Command::Context(_) | Command::Completion { .. } => Ok(()),
    }
}

fn completion(shell: clap_complete::Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "entente", &mut script);
    output::say(&String::from_utf8_lossy(&script))
}

/// Every context; the current one has a mark.
fn context_list(contexts: &Contexts) -> List {
    let mut list = List::new([column("CURRENT"), column("NAME"), column("SERVER"), wide("CERTIFICATE")]);
    for (name, context) in &contexts.contexts {
        let mark = if contexts.current.as_ref() == Some(name) { "*" } else { "" };
        let certificate = context.certificate.display().to_string();
        list.row(name, [mark.to_owned(), name.clone(), context.server.clone(), certificate]);
    }
    list
}

fn context_documents(contexts: &Contexts) -> Value {
    let one = |(name, context): (&String, &Context)| json!({"name": name, "server": context.server, "current": contexts.current.as_ref() == Some(name)});
    Value::Array(contexts.contexts.iter().map(one).collect())
}

fn manage_contexts(
    command: ContextCommand,
    mut contexts: Contexts,
    file: &std::path::Path,
    format: Format,
) -> Result<(), Failure> {
    match command {
        ContextCommand::List => context_list(&contexts).print(format, &context_documents(&contexts), ("", "")),
        ContextCommand::Use { name } => {
            contexts.choose(Some(&name), file)?;
            contexts.current = Some(name.clone());
            contexts.save(file)?;
            output::say(&format!("{name} is used from now on\n"))
        }
        ContextCommand::Add { name, server, ca, certificate, key } => {
            let whole = |path: std::path::PathBuf| {
                std::fs::canonicalize(&path)
                    .map_err(|error| Failure::Failed(format!("cannot find {}: {error}", path.display())))
            };
            let context = Context { server, ca: whole(ca)?, certificate: whole(certificate)?, key: whole(key)? };
            contexts.contexts.insert(name.clone(), context);
            let current = contexts.current.get_or_insert_with(|| name.clone()).clone();
            contexts.save(file)?;
            let written = format!("{name} is in {}", file.display());
            let next = if current == name {
                "and is used".to_owned()
            } else {
                format!("`entente context use {name}` uses it")
            };
            output::say(&format!("{written}; {next}\n"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_contexts_are_a_list_with_a_mark_for_the_current_one() {
        let text = "current = \"dev\"\n[contexts.dev]\nserver = \"localhost:7443\"\nca = \"ca.pem\"\ncertificate = \"a.pem\"\nkey = \"a.key\"\n";
        let contexts: Contexts = toml::from_str(text).unwrap();
        assert_eq!(context_list(&contexts).shown(false), "CURRENT  NAME  SERVER\n*        dev   localhost:7443\n");
        assert_eq!(context_documents(&contexts), json!([{"name": "dev", "server": "localhost:7443", "current": true}]));
    }
}
