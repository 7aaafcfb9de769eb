//! Where documents go: several formats at once, files whole or not at all, quiet and verbose, colour, bugs of ours.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use kraft_check::exit;
use kraft_check::invoke::{Outcome, invoke, invoke_with};
use kraft_check::output::Captured;
use kraft_check::render::Format;
use serde_json::Value;

use crate::schema;
use crate::tool::run;

const NOT_YET: &str = concat!(
    "stage brokers-migrated --from ",
    env!("CARGO_MANIFEST_DIR"),
    "/protocol-fixtures/3.9.2/forward/09-one-broker-on-kraft.json"
);

fn file(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("kraft-check-outputs-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    folder.join(name)
}

fn argv(line: &str) -> Vec<OsString> {
    ["kraft-check"].into_iter().chain(line.split_whitespace()).map(OsString::from).collect()
}

fn tried(line: &str) -> Outcome {
    invoke(&argv(line), false, &mut Captured::default())
}

#[test]
fn standard_output_has_one_format_and_files_have_the_others() {
    let (json, nagios) = (file("report.json"), file("report.txt"));
    let files = format!("-o json={} --output=nagios={}", json.display(), nagios.display());
    for (typed, code, begins) in [("", 1, "NOT YET: "), ("-o nagios", 1, "KRAFT NOT YET - "), ("-ojson", 1, "{")] {
        // Before and after the command alike.
        for line in [format!("{NOT_YET} {files} {typed}"), format!("{files} {NOT_YET} {typed}")] {
            let ran = run(&line);
            assert_eq!((ran.code, ran.stderr.as_str()), (code, ""), "{line}");
            assert!(ran.stdout.starts_with(begins), "{line}: {}", ran.stdout);
            let document: Value = serde_json::from_slice(&fs::read(&json).expect("a file")).expect("JSON");
            schema::holds(&document);
            assert_eq!(document["exit_code"], 1);
            assert!(fs::read_to_string(&nagios).expect("a file").starts_with("KRAFT NOT YET - "));
            fs::remove_file(&json).expect("a file");
        }
    }
}

#[test]
fn errors_reach_every_output_and_fold_by_the_format_of_standard_output() {
    let json = file("error.json");
    for line in ["stage finalised", "stage finalized", "--no-such-flag", "stage finalized --from no-such-file"] {
        let folded = run(&format!("{line} -o nagios -o json={}", json.display()));
        assert_eq!(folded.code, 3, "{line}");
        assert!(folded.stdout.starts_with("KRAFT UNKNOWN - ") && folded.stdout.lines().count() == 1, "{folded:?}");
        let document: Value = serde_json::from_slice(&fs::read(&json).expect("a file")).expect("JSON");
        schema::holds(&document);
        assert_eq!(document["exit_code"], run(line).code, "{line}");
    }
}

#[test]
fn two_outputs_into_one_place_are_a_usage_error() {
    for flags in ["-o json -o nagios", "-o json=x -o nagios=x", "-ojson --output human", "-o json -o json"] {
        assert_eq!(tried(&format!("{NOT_YET} {flags}")).exit, &exit::USAGE, "{flags}");
    }
    assert_eq!(tried(&format!("-o json {NOT_YET} -o human")).exit, &exit::USAGE);
}

#[test]
fn a_file_that_cannot_be_written_is_74_and_leaves_what_was_there() {
    let nowhere = file("no-such-folder").join("report.json");
    let ran = run(&format!("{NOT_YET} -o json={}", nowhere.display()));
    assert_eq!(ran.code, 74);
    assert!(ran.stderr.contains("no-such-folder") && ran.stdout.starts_with("NOT YET"), "{ran:?}");
    assert_eq!(run(&format!("{NOT_YET} -o nagios -o json={}", nowhere.display())).code, 3);
    // A folder stands in the place: nothing is written, and nothing is left beside it.
    let taken = file("taken");
    fs::create_dir_all(&taken).expect("a folder");
    assert_eq!(run(&format!("{NOT_YET} -o json={}", taken.display())).code, 74);
    let left = fs::read_dir(taken.parent().expect("a folder")).expect("a folder").flatten();
    assert!(left.into_iter().all(|entry| !entry.path().to_string_lossy().ends_with(".part")));
}

#[test]
fn the_format_of_an_unreadable_line_is_recognised_however_it_is_said() {
    for typed in ["-o json", "-ojson", "-o=json", "--output json", "--output=json", "-vojson", "-vo json", "-vvo=json"]
    {
        for line in [format!("stage finalised {typed}"), format!("{typed} stage finalised"), format!("--nope {typed}")]
        {
            let outcome = tried(&line);
            assert_eq!((outcome.format, outcome.exit), (Format::Json, &exit::USAGE), "{line}");
        }
    }
    for typed in ["-o json=x", "-- -o json", "--output", "-o", "-o --output", "-o yaml", "-bojson", "--outputs=json"] {
        assert_eq!(tried(&format!("stage finalised {typed}")).format, Format::Human, "{typed}");
    }
    assert_eq!(tried("stage finalised -o nagios -o json").format, Format::Nagios, "the first");
}

#[test]
fn quiet_leaves_the_code_and_errors_one_line_on_standard_error() {
    for quiet in ["-q", "--quiet", "-q -o json", "-qonagios"] {
        let ran = run(&format!("{NOT_YET} {quiet}"));
        assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (1, "", ""), "{quiet}");
        let ran = run(&format!("stage finalised {quiet}"));
        assert_eq!((ran.code, ran.stdout.as_str()), (if quiet.contains("nagios") { 3 } else { 64 }, ""), "{quiet}");
        assert!(ran.stderr.starts_with("kraft-check: ") && ran.stderr.lines().count() == 1, "{ran:?}");
    }
    assert_eq!(tried(&format!("{NOT_YET} -q -v")).exit, &exit::USAGE);
    let beside = file("quiet.json");
    run(&format!("{NOT_YET} -q -o json={}", beside.display()));
    schema::holds(&serde_json::from_slice(&fs::read(&beside).expect("a file")).expect("JSON"));
}

#[test]
fn verbose_lists_what_holds_and_how_long_each_node_took() {
    let (brief, verbose) = (run(NOT_YET).stdout, run(&format!("{NOT_YET} -v")).stdout);
    assert!(!brief.contains("  ok       ") && !brief.contains("  took     "), "{brief}");
    let all = run(&format!("{NOT_YET} --findings all")).stdout;
    assert!(verbose.starts_with(&all) && all.contains("  ok       "), "{verbose}");
    let took: Vec<&str> = verbose.lines().filter(|line| line.starts_with("  took     ")).collect();
    assert_eq!(took.len(), 9, "three brokers, three controllers, three pages: {verbose}");
    assert!(took.iter().any(|line| line.contains(" ms: broker 1 at ")), "{verbose}");
}

/// What a terminal shows: `script` of util-linux gives the tool one.
fn on_a_terminal(variables: &str) -> String {
    let line = format!("{variables} {} {NOT_YET}", env!("CARGO_BIN_EXE_kraft-check"));
    let output = Command::new("script")
        .args(["-qec", &line, "/dev/null"])
        .env_remove("NO_COLOR")
        .env("TERM", "xterm")
        .stdin(std::process::Stdio::null())
        .output()
        .expect("script runs (util-linux, on Debian bsdutils)");
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stdout).expect("text").replace("\r\n", "\n")
}

#[test]
fn colour_is_for_terminals_that_take_it_and_nobody_who_asked_for_none() {
    let plain = run(NOT_YET).stdout;
    assert!(!plain.contains('\u{1b}'), "no terminal, no colour");
    assert_eq!(on_a_terminal(""), plain.replacen("NOT YET", "\u{1b}[33mNOT YET\u{1b}[0m", 1));
    assert_eq!(on_a_terminal("NO_COLOR=1"), plain);
    assert_eq!(on_a_terminal("TERM=dumb"), plain);
    for (recording, stage, word) in [
        ("3.9.2/smallest/05-finalized.json", "finalized", "\u{1b}[32mCOMPLETE\u{1b}[0m: "),
        ("3.9.2/lost-flags/06-finalized-by-accident.json", "finalized", "\u{1b}[31mBLOCKED\u{1b}[0m: "),
    ] {
        let line = format!("stage {stage} --from protocol-fixtures/{recording} -o json=x -o nagios=y");
        let outcome = invoke(&argv(&line), true, &mut Captured::default());
        assert!(outcome.stdout.starts_with(word), "{}", outcome.stdout);
        assert!(outcome.files.iter().all(|(_, text)| !text.contains('\u{1b}')), "files take none");
    }
}

#[test]
fn a_bug_of_ours_is_70_and_an_error_document_in_the_asked_format() {
    let broken = |flags: &str| {
        invoke_with(&argv(&format!("{NOT_YET} {flags}")), false, &mut Captured::default(), |_, _, _| {
            panic!("on purpose")
        })
    };
    let json = broken("-o json");
    let document: Value = serde_json::from_str(&json.stdout).expect("JSON");
    schema::holds(&document);
    assert_eq!((json.exit, &document["error"]["id"]), (&exit::INTERNAL, &Value::from("internal")));
    let nagios = broken("-o nagios");
    assert_eq!(nagios.code(nagios.exit), 3);
    assert!(nagios.stdout.starts_with("KRAFT UNKNOWN - internal: a defect of kraft-check"), "{}", nagios.stdout);
    assert!(broken("").stdout.starts_with("kraft-check: a defect"));
    assert!(broken("-q").stderr.starts_with("kraft-check: a defect"));
}
