//! A hundred thousand command lines made of real and broken parts, in process: each ends in one document of the
//! asked form, and a code of the table. Nobody is asked: there are recordings, and addresses that are refused.

use std::ffi::OsString;

use kraft_check::exit::{DEADLINE, EXITS};
use kraft_check::invoke::{Outcome, invoke};
use kraft_check::output::Captured;
use kraft_check::render::SCHEMA;
use serde_json::Value;

use crate::{nagios, schema};

const LINES: usize = 100_000;
const RECORDING: &str = "protocol-fixtures/3.9.2/smallest/05-finalized.json";

/// Parts that stand for themselves, with some that look like others.
const WORDS: &[&str] = &[
    "stage",
    "schema",
    "status",
    "stages",
    "explain",
    "config",
    "show",
    "--origin",
    "--only",
    "--only=broker/1",
    "broker/7",
    "--cluster",
    "--cluster=nowhere",
    "--config=no-such-file.toml",
    "voter-without-flag",
    "STAGE",
    "finalized",
    "finalised",
    "brokers-migrated",
    "quorum-provisioned",
    "",
    "-",
    "--",
    "---",
    "-v",
    "-q",
    "-qv",
    "-x",
    "--verbose",
    "-vv",
    "-X",
    "-Xclient.id=x",
    "--property",
    "security.protocol=SASL_SSL",
    "--command-config",
    "--command-config=no-such-file",
    "--controller-command-config=/dev/null",
    "--metrics-config=/dev/null",
    "--quiet",
    "--quite",
    "--findings",
    "--findings=all",
    "all",
    "--from",
    "--from=no-such-file",
    "-b",
    "-C",
    "-t",
    "--timeout=0",
    "--timeout=5parsecs",
    "--concurrency=0",
    "--concurrency",
    "9999999999999999999999",
    "--expect-brokers=1-",
    "--expect-brokers=1-3",
    "--expect-brokers",
    "1@127.0.0.1:1",
    "h",
    ":1",
    "[::1]",
    "-1@127.0.0.1:1",
    "--metrics",
    "--metrics={",
    "http://{host}/{",
    "--metric",
    "=",
    "a=b|c\n",
    "\u{1b}[2J",
    "\u{202e}",
    "'",
    "\"",
    "{}",
    "%s%n",
    "--expect-cluster-id=",
    "--snapshot",
    "-h=1",
    "--output-format",
];

/// Ways to say the format, each with what it asks of standard output.
const FORMATS: &[(&[&str], Option<&str>)] = &[
    (&["-o", "json"], Some("json")),
    (&["-ojson"], Some("json")),
    (&["-o=json"], Some("json")),
    (&["--output", "json"], Some("json")),
    (&["--output=json"], Some("json")),
    (&["-vojson"], Some("json")),
    (&["-o", "jsonl"], Some("json")),
    (&["-o", "nagios"], Some("nagios")),
    (&["-onagios"], Some("nagios")),
    (&["--output=nagios"], Some("nagios")),
    (&["-vo", "nagios"], Some("nagios")),
    (&["-o", "human"], Some("human")),
    (&["-o", "json=kept"], None),
    (&["--output=nagios=kept-too"], None),
    (&["-o=yaml"], None),
    (&["--output=json="], None),
];

/// xorshift64*: the same lines every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(high).expect("31 bits") % limit
    }

    fn of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

/// A line, and the form of standard output that it asks for first.
fn line(dice: &mut Dice) -> (Vec<String>, Option<&'static str>) {
    let mut parts: Vec<Vec<String>> = Vec::new();
    let mut text = |words: &[&str]| parts.push(words.iter().map(ToString::to_string).collect());
    match dice.below(100) {
        0..3 => text(&["stage", "finalized", "--from", RECORDING]),
        3 => text(&["stage", "brokers-migrated", "-b", "127.0.0.1:1", "-C", "1@127.0.0.1:1", "-t", "1s"]),
        4 => text(&["wait", "finalized", "-b", "127.0.0.1:1", "-t", "3ms", "--interval", "1ms"]),
        5..8 => text(&["schema"]),
        8..60 => text(&["stage", "finalized"]),
        _ => {}
    }
    for _ in 0..dice.below(5) {
        text(&[*dice.of(WORDS)]);
    }
    let first = parts.len();
    let mut asked = None;
    for _ in 0..dice.below(4) {
        let (words, format) = dice.of(FORMATS);
        parts.push(words.iter().map(ToString::to_string).collect());
        asked = asked.or(*format);
    }
    // Formats stand anywhere, in their own order.
    for at in first..parts.len() {
        let part = parts.remove(at);
        let lowest = parts.iter().take(at).rposition(|part| is_format(part)).map_or(0, |place| place + 1);
        parts.insert(lowest + dice.below(at - lowest + 1), part);
    }
    // What follows `--` is no flag any more.
    let dashes = parts.iter().position(|part| part == &["--"]);
    if let Some(dashes) = dashes {
        asked = parts.iter().take(dashes).find_map(|part| format_of(part));
    }
    (parts.concat(), asked)
}

fn is_format(part: &[String]) -> bool {
    FORMATS.iter().any(|(words, _)| part == *words)
}

fn format_of(part: &[String]) -> Option<&'static str> {
    FORMATS.iter().find(|(words, _)| part == *words).and_then(|(_, format)| *format)
}

fn holds(line: &[String], asked: Option<&str>, outcome: &Outcome) {
    let code = outcome.code(outcome.exit);
    let of_table = |code: u8| EXITS.iter().any(|exit| exit.code == code);
    assert!(of_table(outcome.exit.code) && of_table(code) && outcome.exit.code != 70, "{line:?}: {outcome:?}");
    let text = &outcome.stdout;
    for (file, text) in outcome.files.iter().filter(|(file, _)| file.as_os_str() == "kept") {
        let document: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        assert!(text == SCHEMA || document["exit_code"] == outcome.exit.code, "{line:?}: {text}");
    }
    if text.is_empty() {
        let quiet = |word: &String| word == "--quiet" || word.starts_with("-q");
        assert!(line.iter().any(quiet), "{line:?}: {outcome:?}");
        // A wait whose time is over has a report all the same.
        let is_error = outcome.exit.code >= 64 && outcome.exit != &DEADLINE;
        assert!(outcome.stderr.lines().count() == usize::from(is_error), "{line:?}: {outcome:?}");
        return;
    }
    assert!(text.ends_with('\n') && outcome.stderr.is_empty(), "{line:?}: {outcome:?}");
    if text == SCHEMA || (outcome.exit.code == 0 && (text.contains("Usage: ") || text.starts_with("kraft-check "))) {
        return;
    }
    match asked {
        Some("json") => {
            let document: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{line:?}: {error}"));
            schema::holds(&document);
            assert_eq!((&document["exit_code"], code), (&Value::from(code), outcome.exit.code), "{line:?}");
        }
        Some("nagios") => {
            assert!(code <= 3, "{line:?}: {outcome:?}");
            let (state, _) = nagios::parse(text);
            assert!(state.starts_with("KRAFT "), "{line:?}: {text}");
        }
        _ => assert!(!text.starts_with('{') && !text.starts_with("KRAFT "), "{line:?}: {text}"),
    }
}

#[test]
fn every_command_line_ends_in_one_document_and_a_code_of_the_table() {
    let some = |seed: u64| {
        let mut dice = Dice(seed);
        let mut seen = [0_usize; 256];
        for _ in 0..LINES / 2 {
            let (line, asked) = line(&mut dice);
            let args: Vec<OsString> =
                ["kraft-check"].into_iter().map(OsString::from).chain(line.iter().map(OsString::from)).collect();
            let outcome = invoke(&args, false, &mut Captured::default());
            holds(&line, asked, &outcome);
            seen[usize::from(outcome.exit.code)] += 1;
        }
        seen
    };
    let seen = std::thread::scope(|scope| {
        let halves = [0x9e37_79b9_7f4a_7c15, 0xd1b5_4a32_d192_ed03].map(|seed| scope.spawn(move || some(seed)));
        halves.map(|half| half.join().expect("no line that fails"))
    });
    for code in [0, 3, 64, 78] {
        assert!(seen.iter().any(|seen| seen[code] > 10), "{code} is hardly ever met");
    }
}
