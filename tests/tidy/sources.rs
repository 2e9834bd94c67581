//! Rules for every file of the tree.

use super::{files, none_of, root, shown};

/// Longest file that needs no reason.
const LONG: usize = 500;

/// Longer files, each with a reason.
const LONG_ON_PURPOSE: [(&str, &str); 0] = [];

fn text(path: &std::path::Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn each_file_opens_by_saying_what_it_is() {
    let all = files(&root(), &[".rs"]).into_iter();
    none_of(all.filter(|path| !text(path).starts_with("//!")).map(|path| shown(&path)).collect());
}

#[test]
fn modules_are_files_of_their_own_name() {
    // Cargo treats `tests/common.rs` as a test of its own, so shared test code has to be in `tests/common/mod.rs`.
    let named = files(&root(), &["mod.rs"]).into_iter().filter(|path| !path.ends_with("tests/common/mod.rs"));
    none_of(named.map(|path| shown(&path)).collect());
}

#[test]
fn a_long_file_has_a_reason() {
    let long = files(&root(), &[".rs", ".py"]).into_iter().filter_map(|path| {
        let (name, lines) = (shown(&path), text(&path).lines().count());
        let meant = LONG_ON_PURPOSE.iter().any(|(file, _)| *file == name);
        (lines > LONG && !meant).then(|| format!("{name} has {lines} lines"))
    });
    none_of(long.collect());
}

#[test]
fn pure_crates_ask_no_clock() {
    let folders =
        ["proto/model", "proto/seal", "control-plane/compiler", "tenant-agent/planner", "tenant-agent/session"];
    let clocks = ["SystemTime", "Instant::now", "now_utc", "std::fs", "std::net", "std::env", "std::thread"];
    let mut faults = Vec::new();
    for folder in folders {
        for path in files(&root().join(folder).join("src"), &[".rs"]) {
            let text = text(&path);
            faults.extend(
                clocks.iter().filter(|word| text.contains(**word)).map(|word| format!("{}: {word}", shown(&path))),
            );
        }
    }
    none_of(faults);
}

/// Parts of the planner that decide something. The second judge must work that out by itself.
const DECIDING: [&str; 10] =
    ["builder", "decide", "deleted", "gate", "inherited", "offboarding", "residue", "rules", "verdict", "accounts"];

#[test]
fn the_second_judge_asks_nothing_that_the_plan_decides() {
    let planner = root().join("tenant-agent/planner/src");
    let judges: Vec<_> =
        files(&planner, &["judge.rs"]).into_iter().chain(files(&planner.join("judge"), &[".rs"])).collect();
    assert!(judges.len() > 5, "{judges:?}");
    let mut faults = Vec::new();
    for path in judges {
        let text = text(&path);
        // As a part of a path. In a list of imports, also alone.
        let names = |line: &str, part: &str| {
            let is_import = line.trim_start().starts_with("use ");
            let mut words = line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':');
            words.any(|word| (is_import || word.contains("::")) && word.split("::").any(|it| it == part))
        };
        let asks = |line: &&str| DECIDING.iter().any(|part| names(line, part));
        faults.extend(text.lines().filter(asks).map(|line| format!("{}: {line}", shown(&path))));
    }
    none_of(faults);
}

#[test]
fn nothing_is_left_for_later() {
    // Put together here, so that this file does not match itself.
    let marks = [["TO", "DO"], ["FIX", "ME"], ["XX", "X:"], ["todo", "!("], ["unimplemented", "!("], ["#[igno", "re"]]
        .map(|it| it.concat());
    let mut faults = Vec::new();
    for path in files(&root(), &[".rs", ".py", ".sh", ".proto", ".md", ".toml", ".yaml"]) {
        for (at, line) in text(&path).lines().enumerate() {
            if marks.iter().any(|mark| line.contains(mark.as_str())) {
                faults.push(format!("{}:{}: {}", shown(&path), at + 1, line.trim()));
            }
        }
    }
    none_of(faults);
}

#[test]
fn each_method_says_who_may_call_it() {
    let mut faults = Vec::new();
    for path in files(&root().join("proto/proto/entente"), &[".proto"]) {
        let text = text(&path);
        let lines: Vec<&str> = text.lines().collect();
        for (at, line) in lines.iter().enumerate().filter(|(_, line)| line.trim_start().starts_with("rpc ")) {
            if !lines[at - 1].trim_start().starts_with("// Callable by: ") {
                faults.push(format!("{}:{}: {}", shown(&path), at + 1, line.trim()));
            }
        }
    }
    none_of(faults);
}

#[test]
fn secrets_and_machines_stay_out() {
    let words =
        [["BEGIN PRIVATE", " KEY"], ["crates", ".io/"], ["/home", "/"], ["/root", "/"], ["index.crates", ".io"]]
            .map(|it| it.concat());
    let mut faults = Vec::new();
    for path in files(&root(), &[".rs", ".py", ".sh", ".md", ".toml", ".yaml", ".json", ".pem"]) {
        // Code that writes a key's first line contains no key.
        let text = text(&path).replace("\"-----BEGIN PRIVATE KEY-----", "");
        faults.extend(
            words.iter().filter(|word| text.contains(word.as_str())).map(|word| format!("{}: {word}", shown(&path))),
        );
    }
    none_of(faults);
}

#[test]
fn the_map_names_every_crate() {
    let map = text(&root().join("ARCHITECTURE.md"));
    let workspace: toml::Table = text(&root().join("Cargo.toml")).parse().unwrap();
    let members = workspace["workspace"]["members"].as_array().unwrap().iter().filter_map(|it| it.as_str());
    none_of(members.filter(|member| !map.contains(&format!("{member}/"))).map(str::to_owned).collect());
}
