//! What does a terminal show while a wait goes on, and what is left on it? A real pseudo-terminal of 80 columns, and what
//! would be written on one.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use kraft_check::invoke::invoke_with;
use kraft_check::output::{Captured, Streams};
use kraft_check::wait::{Listener, Moment, What};

use crate::pauses::RULES;
use crate::rehearsed::Held;
use crate::reviewed;
use crate::streams::{event, sample};

/// What runs a program in a terminal of its own, and the line that installs it.
const SCRIPT: (&str, &str) = ("script", "apt-get install bsdutils");
const COLUMNS: usize = 80;
/// Set where this test is run by itself in a terminal, to go wrong there.
const GOES_WRONG: &str = "KRAFT_CHECK_TEST_GOES_WRONG";

/// Everything that was on a line of a terminal at some time, and what is left on it.
#[derive(Debug, Default)]
struct Screen {
    /// What stood on a line whenever the cursor went back to its beginning or it was left; not whether it was drawn once
    /// or several times in a row.
    shown: Vec<Shown>,
    left: Vec<String>,
    line: Vec<char>,
    column: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Shown {
    /// Written over afterwards.
    Drawn(String),
    /// Left where it is.
    Left(String),
}

impl Screen {
    fn of(bytes: &[u8]) -> Self {
        let mut screen = Self::default();
        let mut rest = std::str::from_utf8(bytes).expect("text");
        while let Some(c) = rest.chars().next() {
            rest = &rest[c.len_utf8()..];
            if let Some(sequence) = rest.strip_prefix('[').filter(|_| c == '\u{1b}') {
                let end = sequence.find(|c: char| c.is_ascii_alphabetic()).expect("a whole sequence");
                match &sequence[..=end] {
                    "K" => screen.line.truncate(screen.column),
                    colour => assert!(colour.ends_with('m'), "neither colour nor erasing: {colour}"),
                }
                rest = &sequence[end + 1..];
            } else {
                screen.write(c);
            }
        }
        assert!(screen.line.is_empty(), "it does not end on a line of its own: {:?}", screen.line);
        screen
    }

    fn write(&mut self, c: char) {
        match c {
            '\r' => {
                self.keep(Shown::Drawn);
                self.column = 0;
            }
            '\n' => {
                // The return before the line feed took the line for one that is written over.
                let line = self.line.iter().collect::<String>();
                if self.shown.last() == Some(&Shown::Drawn(line.clone())) {
                    self.shown.pop();
                }
                self.keep(Shown::Left);
                self.left.push(line);
                self.line.clear();
            }
            c => {
                assert!(!c.is_control(), "{c:?}");
                let end = self.line.len().min(self.column + 1);
                self.line.splice(self.column..end, [c]);
                self.column += 1;
            }
        }
    }

    fn keep(&mut self, how: fn(String) -> Shown) {
        let shown = how(self.line.iter().collect());
        if !self.line.is_empty() && self.shown.last() != Some(&shown) {
            self.shown.push(shown);
        }
    }

    /// Whether nothing is left of what was drawn.
    fn is_clean(&self) -> bool {
        self.left.iter().all(|line| !line.contains(" | ") && !line.contains("^C"))
    }

    /// What was shown, a line each, with every time and every number of looks as one and the same, and no line twice in
    /// a row.
    fn transcript(&self) -> String {
        let mut lines: Vec<String> = self
            .shown
            .iter()
            .map(|shown| match shown {
                Shown::Drawn(line) => format!("drawn  {}", timeless(line)),
                Shown::Left(line) => format!("left   {}", timeless(line)),
            })
            .collect();
        lines.dedup();
        lines.concat()
    }
}

/// The line with `TIME` for every time, and `N looks` for however many looks there were.
fn timeless(line: &str) -> String {
    let is_time = |word: &str| {
        let number = word.trim_end_matches(|c: char| c.is_ascii_lowercase());
        let unit = &word[number.len()..];
        number.parse::<u32>().is_ok() && ["ms", "s", "m"].contains(&unit)
    };
    let mut words: Vec<&str> = Vec::new();
    for word in line.split(' ') {
        let (bare, end) = word.split_at(word.trim_end_matches([',', ':']).len());
        let word = match (is_time(bare), end) {
            (true, "") => "TIME",
            (true, _) => "TIME,",
            (false, _) => word,
        };
        if word == "looks:" {
            words.pop();
            words.push("N");
        }
        if word.starts_with("TIME") && words.last() == Some(&"TIME") {
            words.pop();
        }
        words.push(word);
    }
    words.join(" ") + "\n"
}

/// A terminal in which a shell line is run.
struct Terminal {
    process: Child,
    shown: Vec<u8>,
}

impl Terminal {
    fn with(held: &Held, line: &str) -> Self {
        let (program, install) = SCRIPT;
        let sized = format!("stty cols {COLUMNS} rows 24; {line}");
        let process = Command::new(program)
            .args(["--quiet", "--return", "--flush", "--command", &sized, "/dev/null"])
            .current_dir(held.host.path("work"))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("TERM", "xterm")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{program}: {error}; {install}"));
        Self { process, shown: Vec::new() }
    }

    /// Returns once these words are shown.
    fn shows(&mut self, words: &str) {
        let stdout = self.process.stdout.as_mut().expect("its output");
        while !String::from_utf8_lossy(&self.shown).contains(words) {
            let mut some = [0; 1024];
            let read = stdout.read(&mut some).expect("bytes");
            assert!(read > 0, "it ends without {words}: {}", String::from_utf8_lossy(&self.shown));
            self.shown.extend_from_slice(&some[..read]);
        }
    }

    fn types(&mut self, keys: &[u8]) {
        self.process.stdin.as_mut().expect("its keyboard").write_all(keys).expect("it takes keys");
    }

    /// Everything that it showed until the program ended, and the program's code.
    fn over(mut self) -> (Vec<u8>, Option<i32>) {
        self.process.stdout.take().expect("its output").read_to_end(&mut self.shown).expect("bytes");
        (self.shown, self.process.wait().expect("an end").code())
    }
}

fn tool(args: &str) -> String {
    format!("exec '{}' {args}", env!("CARGO_BIN_EXE_kraft-check"))
}

#[test]
fn a_wait_looks_as_reviewed() {
    let mut held = Held::at("broker-1-on-kraft", "--brokers 3");
    let line = tool("wait brokers-migrated --interval 2s --timeout 5m --stable-for 1s");
    let mut terminal = Terminal::with(&held, &line);
    // The cluster moves as soon as a look is over, so that none is taken while it does.
    for (looked, phase) in [("1 of 3 brokers", "broker-2-on-kraft"), ("2 of 3 brokers", "broker-3-on-kraft")] {
        terminal.shows(looked);
        held.go_on_to(phase);
    }
    let (bytes, code) = terminal.over();
    let screen = Screen::of(&bytes);
    assert_eq!(code, Some(0));
    for Shown::Drawn(line) | Shown::Left(line) in &screen.shown {
        assert!(line.chars().count() < COLUMNS, "{line}");
    }
    assert!(screen.is_clean(), "{:#?}", screen.left);
    let [.., verdict, waited] = screen.left.as_slice() else { panic!("{:#?}", screen.left) };
    assert_eq!(verdict, "COMPLETE: brokers-migrated: 3 of 3 brokers run KRaft", "the whole report is the last");
    assert!(waited.starts_with("  waited   "), "{waited}");
    reviewed::hold("terminal-transcript.txt", &screen.transcript());
}

#[test]
fn it_is_drawn_four_times_a_second_at_most() {
    let held = Held::at("metadata-copied", "--brokers 2");
    let (bytes, code) = Terminal::with(&held, &tool("wait brokers-in-migration --interval 10ms --samples 150")).over();
    assert_eq!(code, Some(0));
    let text = String::from_utf8(bytes).expect("text");
    // Every second of the tool's own clock, however late we read.
    let second = |drawn: &str| drawn.strip_prefix('[')?.split(" | ").nth(1).map(ToOwned::to_owned);
    let seconds: Vec<String> = text.split('\r').filter_map(second).collect();
    let most = seconds.chunk_by(|one, other| one == other).map(<[String]>::len).max();
    assert!(seconds.len() > 3 && most <= Some(4), "{seconds:?}");
}

#[test]
fn a_signal_leaves_the_report_and_nothing_else() {
    let held = Held::at("metadata-copied", "--brokers 2");
    let mut terminal = Terminal::with(&held, &tool("wait brokers-migrated"));
    terminal.shows("| not yet: brokers 1, 2");
    terminal.types(b"\x03");
    let (bytes, code) = terminal.over();
    let screen = Screen::of(&bytes);
    assert_eq!(code, Some(130));
    assert!(screen.is_clean(), "{:#?}", screen.left);
    assert!(screen.left.iter().any(|line| line.ends_with("1 look: ended by SIGINT")), "{:#?}", screen.left);
}

#[test]
fn a_defect_is_told_on_a_line_of_its_own() {
    let here = "terminal::a_defect_is_told_on_a_line_of_its_own";
    if std::env::var_os(GOES_WRONG).is_some() {
        let args = ["kraft-check", "wait", "finalized", "-b", "h:1"].map(OsString::from);
        let outcome = invoke_with(&args, false, &mut Streams::default(), |_, _, listener| {
            listener.tick(Moment { rules: RULES, elapsed: Duration::ZERO, seen: None });
            panic!("a defect")
        });
        assert_eq!(outcome.exit.code, 70);
        return;
    }
    let held = Held::at("metadata-copied", "--brokers 2");
    let itself = std::env::current_exe().expect("this test");
    let line = format!("{GOES_WRONG}=1 exec '{}' --exact {here} --nocapture", itself.display());
    let (bytes, code) = Terminal::with(&held, &line).over();
    let screen = Screen::of(&bytes);
    assert_eq!(code, Some(0), "{:#?}", screen.left);
    assert!(screen.shown.contains(&Shown::Drawn("0s of 15m | the first look".to_owned())), "{:#?}", screen.shown);
    assert!(screen.is_clean(), "{:#?}", screen.left);
    let begins = |line: &&String| line.starts_with(&format!("thread '{here}'")) && line.contains("panicked at");
    assert_eq!(screen.left.iter().filter(begins).count(), 1, "{:#?}", screen.left);
}

#[test]
fn a_terminal_shows_what_it_can_and_what_it_was_asked_for() {
    let held = Held::at("metadata-copied", "--brokers 2");
    let run = |before: &str, flags: &str| {
        let line = format!("{before}{}", tool(&format!("wait brokers-migrated -t 1s --interval 300ms {flags}")));
        let (bytes, code) = Terminal::with(&held, &line).over();
        assert_eq!(code, Some(124));
        let screen = Screen::of(&bytes);
        assert!(screen.is_clean(), "{:#?}", screen.left);
        let drawn: Vec<String> = screen
            .shown
            .iter()
            .filter_map(|shown| if let Shown::Drawn(line) = shown { Some(line.clone()) } else { None })
            .collect();
        (drawn, screen.left)
    };
    thread::scope(|scope| {
        scope.spawn(|| {
            let (drawn, _) = run("stty cols 0; ", "");
            assert!(drawn.iter().any(|line| line.ends_with("| not yet: brokers 1, 2")), "of unknown width: {drawn:?}");
        });
        scope.spawn(|| {
            let (drawn, _) = run("stty cols 20; ", "");
            assert!(drawn.contains(&"[----------] 0/2...".to_owned()), "{drawn:?}");
        });
        scope.spawn(|| {
            let (drawn, left) = run("export TERM=dumb; ", "");
            assert!(drawn.is_empty() && left[0].starts_with("0s waiting for 1s at most"), "{drawn:?}, {left:?}");
        });
        scope.spawn(|| assert_eq!(run("", "-q"), (Vec::new(), Vec::new())));
        scope.spawn(|| {
            let (drawn, left) = run("", "-o jsonl");
            let documents = left.iter().filter(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()).count();
            assert!(documents > 2 && documents + 2 == left.len(), "events beside two lines: {left:#?}");
            assert!(drawn.iter().any(|line| line.ends_with("| not yet: brokers 1, 2")), "{drawn:?}");
        });
    });
}

/// What is written to a terminal of a wait of which this is told.
fn written(flags: &str, tell: impl FnOnce(&mut dyn Listener)) -> String {
    let line = format!("kraft-check wait brokers-migrated -b h:1 {flags}");
    let args: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
    let mut kept = Captured::on_terminal(COLUMNS - 1);
    let outcome = invoke_with(&args, false, &mut kept, |_, _, listener| {
        tell(listener);
        panic!("a defect, after which no less is erased")
    });
    assert_eq!(outcome.exit.code, 70);
    kept.stderr
}

#[test]
fn the_line_makes_way_for_what_is_said_and_comes_back_in_time() {
    let tick = |listener: &mut dyn Listener, ms| {
        listener.tick(Moment { rules: RULES, elapsed: Duration::from_millis(ms), seen: None });
    };
    let tell = |listener: &mut dyn Listener| {
        listener.hear(&event(0, 0, What::Started(RULES)));
        // The third one comes too early for another line.
        for ms in [0, 900, 1_000] {
            tick(listener, ms);
        }
        listener.hear(&event(1, 1, What::Slow));
        tick(listener, 1_100);
        tick(listener, 1_150);
        // What is not new is said by the line alone, even after a minute.
        listener.hear(&sample(200, 40, false));
    };
    let expected = "0s waiting for 15m at most, a look every 5s\n\
        \r0s of 15m | the first look\u{1b}[K\
        \r\u{1b}[K1s slow: still not yet: 1 of 3 brokers run KRaft\n\
        \r1s of 15m | the first look\u{1b}[K\
        \r\u{1b}[K";
    assert_eq!(written("", tell), expected);
    assert_eq!(written("-q", tell), "");
}
