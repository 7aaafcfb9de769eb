//! The built binary, asked of a running cluster about all four stages, and its verdicts held to a table.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::KAFKA;
use crate::cluster::Cluster;
use crate::distribution::Distribution;
use crate::looking::looks_while;
use crate::record::{Recordings, Snapshot};
use crate::secrets;

/// The stages, in the order of a table's columns.
pub(crate) const STAGES: [&str; 4] = ["quorum-provisioned", "brokers-in-migration", "brokers-migrated", "finalized"];

/// The walk whose frames and pages are recorded: it has every role in every phase.
const FRAMES_OF: &str = "forward";

/// The stages that rest on the brokers.
pub(crate) const LATER: &[&str] = &["brokers-in-migration", "brokers-migrated", "finalized"];
/// Those that rest on brokers on KRaft.
pub(crate) const LAST: &[&str] = &["brokers-migrated", "finalized"];

/// How many looks are taken of an accident at the least.
const LOOKS: usize = 20;

/// What the four stages must say in one phase, and why.
pub(crate) struct Expected {
    pub(crate) phase: &'static str,
    pub(crate) verdicts: [V; 4],
    pub(crate) why: &'static str,
}

/// A verdict, short enough for a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum V {
    /// Complete.
    Ok,
    /// Not yet.
    No,
    /// Blocked.
    Block,
    /// Unknown.
    Huh,
    /// Unknown, for want of a right or because a login is not accepted.
    Refused,
}

impl V {
    pub(crate) fn of(document: &Value) -> Self {
        match document["verdict"].as_str() {
            Some("complete") => Self::Ok,
            Some("not_yet") => Self::No,
            Some("blocked") => Self::Block,
            Some("unknown") if document["exit_code"] == 77 => Self::Refused,
            Some("unknown") => Self::Huh,
            other => panic!("no verdict but {other:?}: {document}"),
        }
    }

    fn code(self) -> i32 {
        match self {
            Self::Ok => 0,
            Self::No => 1,
            Self::Block => 2,
            Self::Huh => 3,
            Self::Refused => 77,
        }
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Ok => "complete",
            Self::No => "not yet",
            Self::Block => "blocked",
            Self::Huh => "unknown",
            Self::Refused => "refused",
        }
    }
}

/// A walk through phases, each judged and compared with its row of the table.
pub(crate) struct Walk {
    recordings: Recordings,
    table: &'static [Expected],
    /// What the stages must say of the same phases where neither a page nor the log is seen.
    blind: Option<&'static [[V; 4]]>,
    /// The first phase whose broker knows the controllers, if every phase is judged by one address as well.
    one_address: Option<&'static str>,
    flags: fn(&Cluster) -> Vec<String>,
    next: usize,
    began: Instant,
    complete: usize,
    wrong: Vec<String>,
}

const ATTEMPTS: usize = 3;
/// How long an election takes, until everybody knows of it.
const ELECTION: Duration = Duration::from_secs(5);

impl Walk {
    /// A walk of this name along this table, asking with these flags.
    pub(crate) fn along(series: &'static str, table: &'static [Expected], flags: fn(&Cluster) -> Vec<String>) -> Self {
        Self::on(KAFKA, series, table, flags)
    }

    /// The same on another version of Kafka.
    pub(crate) fn on(
        version: &'static str,
        series: &'static str,
        table: &'static [Expected],
        flags: fn(&Cluster) -> Vec<String>,
    ) -> Self {
        let mut head = format!("{:<34}", format!("{version}: {series}"));
        for stage in STAGES {
            let _ = write!(head, " {stage:<20}");
        }
        println!("{head}  seconds");
        Self {
            recordings: Recordings { version, series },
            table,
            blind: None,
            one_address: None,
            flags,
            next: 0,
            began: Instant::now(),
            complete: 0,
            wrong: Vec::new(),
        }
    }

    /// Judges every phase once more without the controllers' pages and once more without the log, which changes nothing,
    /// and without both, and holds that to this.
    pub(crate) fn blind(mut self, verdicts: &'static [[V; 4]]) -> Self {
        assert_eq!(verdicts.len(), self.table.len(), "a line for every phase");
        self.blind = Some(verdicts);
        self
    }

    /// Judges every phase once more by the address of one broker and nothing else. From this phase on that says what
    /// everything declared says; before it no broker knows the controllers.
    pub(crate) fn by_one_address(mut self, from: &'static str) -> Self {
        assert!(self.table.iter().any(|row| row.phase == from), "a phase of the table");
        self.one_address = Some(from);
        self
    }

    /// Judges the phase that the table has next. The phases come in the table's order, none is left out. What is wrong while
    /// the quorum elects is judged anew: a machine that stands still has elections that nobody meant.
    pub(crate) fn judge(&mut self, phase: &str, cluster: &Cluster) {
        for attempt in 1.. {
            let (next, complete, wrong, epoch) = (self.next, self.complete, self.wrong.len(), cluster.epoch());
            self.judge_once(phase, cluster);
            if self.wrong.len() == wrong || cluster.epoch() == epoch || attempt == ATTEMPTS {
                return;
            }
            println!("  the quorum has elected meanwhile: judged again");
            sleep(ELECTION);
            self.wrong.truncate(wrong);
            (self.next, self.complete) = (next, complete);
        }
    }

    fn judge_once(&mut self, phase: &str, cluster: &Cluster) {
        if self.recordings.series == FRAMES_OF {
            self.recordings.keep_frames(&format!("{:02} {phase}", self.next + 1), cluster);
        }
        let flags = (self.flags)(cluster);
        let snapshot = self.judge_with(phase, &flags);
        if let Some(blind) = self.blind {
            self.judge_with_less(blind, &flags, &snapshot);
        }
        if let Some(from) = self.one_address {
            self.judge_by_one_address(from, &flags, cluster);
        }
    }

    /// Pages and log are two witnesses of the same: either is enough.
    fn judge_with_less(&mut self, blind: &[[V; 4]], flags: &[String], snapshot: &Snapshot) {
        let Expected { verdicts, why, .. } = self.table[self.next - 1];
        let fewer = without(flags, "--metrics");
        let no_pages = snapshot.without_pages();
        self.hold("  without pages", verdicts, why, |stage| {
            let document = ask(stage, &fewer);
            assert_eq!(
                no_pages.replay(stage)["verdict"],
                document["verdict"],
                "a recording without its pages says the same"
            );
            document
        });
        let no_log = snapshot.without_log();
        self.hold("  without the log", verdicts, why, |stage| no_log.replay(stage));
        let neither = no_log.without_pages();
        self.hold("  without both", blind[self.next - 1], "nobody tells the state", |stage| neither.replay(stage));
    }

    fn judge_by_one_address(&mut self, from: &str, flags: &[String], cluster: &Cluster) {
        let row = &self.table[self.next - 1];
        let knows = self.table[..self.next].iter().any(|row| row.phase == from);
        let one = by_one_address(cluster);
        let (verdicts, why) = if knows {
            (row.verdicts, "one address is enough")
        } else {
            ([V::Huh, V::No, V::No, V::No], "no broker knows the controllers yet")
        };
        self.hold("  by one address", verdicts, why, |stage| {
            let document = ask(stage, &one);
            if !knows && V::of(&document) == V::Huh {
                assert!(document.to_string().contains("-C"), "what would help is said: {document:#}");
            }
            document
        });
        if knows {
            let [stage, declared] = [&one[..], flags].map(|flags| run(&["status"], flags)["stage"].clone());
            if stage != declared {
                self.wrong.push(format!("{}: status says {stage} by one address, and {declared} else", row.phase));
            }
        }
    }

    /// Holds our reading of the log to Kafka's own, and keeps both.
    pub(crate) fn hold_log(&self, cluster: &mut Cluster, kafka: &Distribution) {
        self.recordings.hold_log(cluster, kafka);
    }

    /// The same, asking with other flags than the walk's.
    pub(crate) fn judge_with(&mut self, phase: &str, flags: &[String]) -> Snapshot {
        let expected = &self.table[self.next];
        assert_eq!(expected.phase, phase, "the table's next phase");
        self.next += 1;
        let snapshot = Snapshot::new();
        let kept = [flags, &[snapshot.flag()]].concat();
        let complete = self.hold(phase, expected.verdicts, expected.why, |stage| {
            let document = ask(stage, &kept);
            assert_eq!(snapshot.replay(stage), document, "the recording says what the look said");
            document
        });
        self.complete += complete;
        self.recordings.keep(&snapshot, &format!("{:02} {phase}", self.next));
        snapshot
    }

    /// Asks about every stage, prints the line, and keeps what is wrong; how many are complete.
    fn hold(&mut self, phase: &str, wanted: [V; 4], why: &str, asked: impl Fn(&str) -> Value) -> usize {
        let mut line = format!("{phase:<34}");
        let mut complete = 0;
        for (stage, wanted) in STAGES.into_iter().zip(wanted) {
            let document = asked(stage);
            let found = V::of(&document);
            complete += usize::from(found == V::Ok);
            let mark = if found == wanted { "" } else { " !" };
            let _ = write!(line, " {:<20}", format!("{}{mark}", found.word()));
            if found != wanted {
                let wanted = wanted.word();
                self.wrong
                    .push(format!("{phase}, {stage}: {} and not {wanted}, because {why}\n{document:#}", found.word()));
            }
            assert_eq!(document["exit_code"], found.code());
        }
        println!("{line}  {:.1}", self.began.elapsed().as_secs_f64());
        complete
    }

    /// Takes at least twenty looks while something happens to the cluster and after it. None may be complete in a stage
    /// that this breaks, and none may be blocked that was not taken twice.
    pub(crate) fn watch(
        &mut self,
        what: &str,
        cluster: &mut Cluster,
        broken: &[&str],
        happen: impl FnOnce(&mut Cluster),
    ) {
        let flags = (self.flags)(cluster);
        let looks = looks_while(&flags, LOOKS, || happen(cluster));
        for (stage, number) in STAGES.into_iter().zip(0..) {
            let seen: BTreeSet<V> = looks.iter().map(|look| V::of(&look.documents[number])).collect();
            if broken.contains(&stage) && seen.contains(&V::Ok) {
                let complete = looks.iter().find(|look| V::of(&look.documents[number]) == V::Ok).expect("one of them");
                self.wrong.push(format!("while {what}: {stage} is complete\n{:#}", complete.documents[number]));
            }
        }
        let seen =
            [0, 1, 2, 3].map(|stage| looks.iter().map(|look| V::of(&look.documents[stage])).collect::<BTreeSet<_>>());
        println!("  {} looks while {what}: {seen:?}", looks.len());
        self.recordings.keep_looks(what, &looks);
    }

    /// The end: every phase was judged, every cell is right, and this many were complete. A tool that always
    /// says "unknown" must not pass.
    pub(crate) fn end(self, complete: usize) {
        assert_eq!(self.next, self.table.len(), "phases judged");
        assert!(self.wrong.is_empty(), "{} wrong cells:\n{}", self.wrong.len(), self.wrong.join("\n"));
        assert_eq!(self.complete, complete, "complete cells");
    }
}

/// What the copy waits for, as `clause subject …`, of the same moment: with everything declared and seen, without pages,
/// without the log, without both, and by one address; empty where nothing is said of it.
pub(crate) fn waits(cluster: &Cluster) -> [String; 5] {
    let snapshot = Snapshot::new();
    run(&["status"], &[whole(cluster), vec![snapshot.flag()]].concat());
    let replayed = [
        snapshot.replay_status(),
        snapshot.without_pages().replay_status(),
        snapshot.without_log().replay_status(),
        snapshot.without_log().without_pages().replay_status(),
    ];
    let [all, no_pages, no_log, neither] = replayed.map(|document| waits_for(&document));
    [all, no_pages, no_log, neither, waits_for(&run(&["status"], &by_one_address(cluster)))]
}

/// What a document of `status` says that the copy waits for.
pub(crate) fn waits_for(document: &Value) -> String {
    let waits = &document["waiting_for"];
    let subjects = waits["subjects"].as_array().into_iter().flatten();
    let words = std::iter::once(&waits["id"]).chain(subjects).filter_map(Value::as_str);
    words.collect::<Vec<_>>().join(" ")
}

/// Everything an operator would give.
pub(crate) fn whole(cluster: &Cluster) -> Vec<String> {
    let mut flags = brokers(cluster);
    flags.extend(controllers(cluster));
    flags.extend(["--metrics".to_owned(), cluster.pages()]);
    flags
}

/// The address of one broker, and nothing else.
pub(crate) fn by_one_address(cluster: &Cluster) -> Vec<String> {
    ["-b".to_owned(), cluster.any_broker().to_string()].into()
}

/// The flags without this one and its value.
pub(crate) fn without(flags: &[String], flag: &str) -> Vec<String> {
    let place = flags.iter().position(|it| it == flag).expect("the flag is there");
    [&flags[..place], &flags[place + 2..]].concat()
}

/// The same, with the brokers' ids given by hand.
pub(crate) fn by_id(cluster: &Cluster) -> Vec<String> {
    let mut flags = whole(cluster);
    flags[1] = cluster.brokers_by_id();
    flags
}

/// The brokers' addresses and ids. One address is enough; all are given, so that one may be down.
pub(crate) fn brokers(cluster: &Cluster) -> Vec<String> {
    let ids = format!("{}-{}", cluster.broker_ids().start(), cluster.broker_ids().end());
    ["-b".to_owned(), cluster.bootstrap_servers(), "--expect-brokers".to_owned(), ids].into()
}

/// The controllers' addresses.
pub(crate) fn controllers(cluster: &Cluster) -> Vec<String> {
    ["-C".to_owned(), cluster.controllers()].into()
}

/// Asks about one stage, and holds the answer to what every answer must be.
pub(crate) fn ask(stage: &str, flags: &[String]) -> Value {
    run(&["stage", stage], flags)
}

/// Asks with this command, likewise.
pub(crate) fn run(command: &[&str], flags: &[String]) -> Value {
    let began = Instant::now();
    let mut tool = Command::new(env!("CARGO_BIN_EXE_kraft-check"));
    let output = tool.args(command).args(["-o", "json"]).args(flags).output().expect("the binary starts");
    secrets::search("standard output", &output.stdout);
    secrets::search("standard error", &output.stderr);
    assert!(began.elapsed() < Duration::from_secs(40), "a look ends within its 30 s");
    let document: Value = serde_json::from_slice(&output.stdout).expect("one JSON document");
    assert_eq!(Some(&document["exit_code"]), output.status.code().map(Value::from).as_ref());
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    if document["verdict"] == "complete" {
        assert_eq!(document["findings"], Value::Array(Vec::new()), "complete has no failing finding");
    } else if command[0] != "status" {
        assert_ne!(document["findings"], Value::Array(Vec::new()), "whatever is not complete says why");
    }
    document
}

/// What stands in the document's findings under this id, as `subject status` lines.
pub(crate) fn findings(document: &Value, id: &str) -> Vec<String> {
    let findings = document["findings"].as_array().expect("findings").iter();
    let line = |finding: &Value| {
        let subject = &finding["subject"];
        format!(
            "{} {} {}",
            subject["kind"].as_str().unwrap_or("?"),
            subject["id"],
            finding["status"].as_str().unwrap_or("?")
        )
    };
    findings.filter(|finding| finding["id"] == id).map(line).collect()
}
