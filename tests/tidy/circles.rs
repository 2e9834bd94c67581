//! Files of a crate name each other in one direction: no file is reached again from what it names.
//!
//! File A names file B if a path in A, in a `use` or anywhere else, leads to something that B defines. A re-export is
//! followed to where the thing is defined, so that `crate::Thing` is the file of `Thing` and not `lib.rs`. The re-export
//! itself names nothing, `mod b;` names nothing, and neither does a path that ends at a module. Tests are left out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use super::{files, none_of, root, shown};

/// Circles that are still there, a line for each: the folder of the crate, and the files. This list only gets shorter.
const OPEN: &str = include_str!("circles.txt");

/// The floors of the application, the lowest first: a folder names only those below it.
const FLOORS: [&str; 8] = ["identity", "history", "channel", "reports", "stream", "intent", "removals", "app"];

/// A path as it is written; of a module, its path from the root of the crate.
type Name = Vec<String>;

/// What the files of a crate say of each other.
#[derive(Default)]
struct Tree {
    modules: BTreeMap<Name, PathBuf>,
    /// What a `use` calls something, by module.
    aliases: BTreeMap<(Name, String), Name>,
    /// What is named, by module.
    named: Vec<(Name, Name)>,
}

impl Tree {
    fn of(main: &Path) -> Self {
        let mut tree = Self::default();
        tree.file(main, Name::new(), main.parent().unwrap());
        tree
    }

    /// `below` is the folder of the module's children.
    fn file(&mut self, file: &Path, module: Name, below: &Path) {
        let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", shown(file)));
        self.module(without_tests(text.parse().unwrap()), file, module, below);
    }

    fn module(&mut self, tokens: TokenStream, file: &Path, module: Name, below: &Path) {
        self.modules.insert(module.clone(), file.to_owned());
        self.tokens(tokens, file, &module, below);
    }

    fn tokens(&mut self, tokens: TokenStream, file: &Path, module: &Name, below: &Path) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        let (mut at, mut is_public) = (0, false);
        while let Some(token) = tokens.get(at) {
            let rest = &tokens[at + 1..];
            let was_public = std::mem::take(&mut is_public);
            at += 1;
            match (token, word(token).as_str()) {
                (_, "pub") => {
                    is_public = true;
                    at += usize::from(matches!(rest.first(), Some(TokenTree::Group(_))));
                }
                (_, "mod") => {
                    let name = word(&rest[0]);
                    let inner = [module.as_slice(), std::slice::from_ref(&name)].concat();
                    match block(&rest[1]) {
                        Some(body) => self.module(body.stream(), file, inner, &below.join(name)),
                        None => self.file(&below.join(format!("{name}.rs")), inner, &below.join(name)),
                    }
                    at += 2;
                }
                (_, "use") => {
                    let end = rest.iter().position(|it| is(it, ';')).unwrap_or(rest.len());
                    for (name, alias) in used(&rest[..end], &Name::new()) {
                        if !was_public {
                            self.named.push((module.clone(), name.clone()));
                        }
                        self.aliases.insert((module.clone(), alias), name);
                    }
                    at += end;
                }
                (TokenTree::Group(group), _) => self.tokens(group.stream(), file, module, below),
                (TokenTree::Ident(_), _) => {
                    let (name, length) = path(&tokens[at - 1..]);
                    let before = |back: usize, punct| at > back && is(&tokens[at - 1 - back], punct);
                    let is_member = before(1, '.') && !before(2, '.');
                    let is_from_elsewhere = before(1, ':') && before(2, ':');
                    if !is_member && !is_from_elsewhere {
                        self.named.push((module.clone(), name));
                    }
                    at += length - 1;
                }
                (TokenTree::Punct(_) | TokenTree::Literal(_), _) => {}
            }
        }
    }

    /// The file that defines what a module calls so; none of a module, and of what comes from elsewhere.
    fn file_of(&self, module: &[String], name: &[String], depth: usize) -> Option<&Path> {
        let (first, rest) = name.split_first()?;
        match first.as_str() {
            "crate" => return self.inside(&[], rest, depth),
            "self" => return self.inside(module, rest, depth),
            "super" => return self.inside(module.split_last()?.1, rest, depth),
            _ => {}
        }
        if self.modules.contains_key(&below(module, first)) {
            return self.inside(&below(module, first), rest, depth);
        }
        let alias = self.aliases.get(&(module.to_vec(), first.clone()))?;
        let is_other = alias.first() != Some(first);
        self.file_of(module, &[alias, rest].concat(), depth.checked_sub(1).filter(|_| is_other)?)
    }

    fn inside(&self, module: &[String], name: &[String], depth: usize) -> Option<&Path> {
        let first = name.first()?;
        let leads_on = first == "super"
            || self.modules.contains_key(&below(module, first))
            || self.aliases.contains_key(&(module.to_vec(), first.clone()));
        if leads_on { self.file_of(module, name, depth) } else { self.modules.get(module).map(PathBuf::as_path) }
    }

    /// Which file names which, and by what.
    fn arrows(&self) -> BTreeMap<&Path, BTreeMap<&Path, String>> {
        let mut arrows: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        for (module, name) in &self.named {
            let from = self.modules[module].as_path();
            if let Some(to) = self.file_of(module, name, 8).filter(|to| *to != from) {
                arrows.entry(from).or_default().entry(to).or_insert_with(|| name.join("::"));
            }
        }
        arrows
    }

    /// Files that reach each other, with what they name of each other.
    fn circles(&self) -> BTreeMap<BTreeSet<String>, String> {
        let arrows = self.arrows();
        let reached: BTreeMap<&Path, BTreeSet<&Path>> =
            arrows.keys().map(|from| (*from, reached(&arrows, from))).collect();
        let circle = |from: &&Path| {
            reached[from].iter().filter(|it| reached.get(*it).is_some_and(|it| it.contains(from))).copied().collect()
        };
        let circles: BTreeSet<BTreeSet<&Path>> =
            reached.keys().map(circle).filter(|it: &BTreeSet<_>| !it.is_empty()).collect();
        let told = |files: BTreeSet<&Path>| {
            let inner = files.iter().flat_map(|from| arrows[from].iter().map(move |(to, name)| (from, to, name)));
            let inner = inner.filter(|(_, to, _)| files.contains(*to));
            let lines = inner.map(|(from, to, name)| format!("    {} -> {} by {name}\n", shown(from), shown(to)));
            (files.iter().map(|it| shown(it)).collect(), lines.collect())
        };
        circles.into_iter().map(told).collect()
    }
}

fn reached<'a>(arrows: &BTreeMap<&'a Path, BTreeMap<&'a Path, String>>, from: &'a Path) -> BTreeSet<&'a Path> {
    let (mut found, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(file) = next.pop() {
        next.extend(arrows.get(file).into_iter().flat_map(|it| it.keys()).filter(|it| found.insert(**it)));
    }
    found
}

fn below(module: &[String], name: &str) -> Name {
    [module, &[name.to_owned()]].concat()
}

fn word(token: &TokenTree) -> String {
    if let TokenTree::Ident(it) = token { it.to_string() } else { String::new() }
}

fn is(token: &TokenTree, punct: char) -> bool {
    matches!(token, TokenTree::Punct(it) if it.as_char() == punct)
}

fn block(token: &TokenTree) -> Option<&Group> {
    match token {
        TokenTree::Group(it) if it.delimiter() == Delimiter::Brace => Some(it),
        _ => None,
    }
}

/// The path that begins here, and how many tokens it is.
fn path(tokens: &[TokenTree]) -> (Name, usize) {
    let (mut name, mut at) = (vec![word(&tokens[0])], 1);
    while let [one, two, TokenTree::Ident(next), ..] = &tokens[at..]
        && is(one, ':')
        && is(two, ':')
    {
        name.push(next.to_string());
        at += 3;
    }
    (name, at)
}

/// What a `use` takes, and what it calls it.
fn used(tokens: &[TokenTree], before: &[String]) -> Vec<(Name, String)> {
    let mut all = Vec::new();
    for part in tokens.split(|it| is(it, ',')).filter(|part| !part.is_empty() && !is(&part[0], ':')) {
        if let Some(group) = block(&part[0]) {
            all.extend(used(&group.stream().into_iter().collect::<Vec<_>>(), before));
            continue;
        }
        let (mut name, length) = path(part);
        name = [before, &name].concat();
        if name.len() > 1 {
            name.pop_if(|it| it == "self");
        }
        match &part[length..] {
            [_, _, TokenTree::Group(group)] => {
                all.extend(used(&group.stream().into_iter().collect::<Vec<_>>(), &name));
            }
            [TokenTree::Ident(_), alias] => all.push((name, word(alias))),
            [] => all.push((name.clone(), name.last().unwrap().clone())),
            // All of a module, or of an enum: it has no alias, and names the file.
            _ => all.push((below(&name, "*"), String::new())),
        }
    }
    all
}

/// Without what stands behind `#[cfg(test)]`.
fn without_tests(tokens: TokenStream) -> TokenStream {
    let (mut kept, mut tokens) = (Vec::new(), tokens.into_iter());
    while let Some(token) = tokens.next() {
        match &token {
            TokenTree::Group(it) if it.to_string().replace(' ', "") == "[cfg(test)]" => {
                tokens.find(|it| is(it, ';') || is(it, ',') || block(it).is_some());
            }
            TokenTree::Group(it) => kept.push(Group::new(it.delimiter(), without_tests(it.stream())).into()),
            _ => kept.push(token),
        }
    }
    kept.into_iter().collect()
}

#[test]
fn no_file_is_reached_again_from_what_it_names() {
    let mains = files(&root(), &["Cargo.toml"]).into_iter();
    let mains = mains.flat_map(|it| ["lib.rs", "main.rs"].map(|main| it.parent().unwrap().join("src").join(main)));
    let open = OPEN.lines().map(|line| {
        let (folder, files) = line.split_once(": ").unwrap();
        files.split(' ').map(|file| format!("{folder}/src/{file}")).collect::<BTreeSet<_>>()
    });
    let open: Vec<_> = open.collect();
    let mut over: BTreeSet<_> = open.iter().flatten().cloned().collect();
    let mut faults = Vec::new();
    for main in mains.filter(|it| it.exists()) {
        for (files, why) in Tree::of(&main).circles() {
            over.retain(|it| !files.contains(it));
            if !open.iter().any(|it| it.is_superset(&files)) {
                faults.push(format!("a circle of {} files:\n{why}", files.len()));
            }
        }
    }
    faults.extend(over.into_iter().map(|it| format!("{it} is in no circle any more: take it off circles.txt")));
    none_of(faults);
}

#[test]
fn a_floor_of_the_application_names_only_those_below() {
    let source = root().join("control-plane/app/src");
    let floor = |file: &Path| {
        let top = file.strip_prefix(&source).unwrap().iter().next().unwrap();
        FLOORS.iter().position(|it| *it == Path::new(top).file_stem().unwrap())
    };
    let tree = Tree::of(&source.join("lib.rs"));
    let arrows = tree.arrows();
    let all = arrows.iter().flat_map(|(from, all)| all.iter().map(move |(to, name)| (*from, *to, name)));
    let up = all.filter(|(from, to, _)| matches!((floor(from), floor(to)), (Some(from), Some(to)) if from < to));
    none_of(up.map(|(from, to, name)| format!("{} names {} by {name}", shown(from), shown(to))).collect());
}

#[test]
fn a_path_is_followed_to_the_file_that_defines_what_it_names() {
    let folder = tempfile::tempdir().unwrap();
    let files = [
        ("lib.rs", "mod a; mod b; mod c; pub use b::Thing; #[cfg(test)] mod tests;"),
        ("a.rs", "fn f(x: crate::Thing) { log!(1, super::c::g(..b::ONE)); x.c::<u8>() } #[cfg(test)] use crate::d::X;"),
        ("b.rs", "use crate::{c::{self, G as Other}}; pub struct Thing; fn f() -> Other { c::g() }"),
        ("c.rs", "pub(super) use crate::a::f; mod inner { use super::g; fn h() { self::g(); ::a::f() } } fn g() {}"),
    ];
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let tree = Tree::of(&folder.path().join("lib.rs"));
    let file = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let arrows = tree.arrows();
    let arrows = arrows.iter().flat_map(|(from, all)| all.keys().map(move |to| format!("{} {}", file(from), file(to))));
    assert_eq!(arrows.collect::<Vec<_>>(), ["a.rs b.rs", "a.rs c.rs", "b.rs c.rs"]);
    assert_eq!(tree.circles(), BTreeMap::new());
    std::fs::write(folder.path().join("c.rs"), "fn g() { let _ = [crate::Thing; 1]; }").unwrap();
    let circles = Tree::of(&folder.path().join("lib.rs")).circles();
    assert_eq!(circles.keys().map(BTreeSet::len).collect::<Vec<_>>(), [2]);
}
