//! `docs/recipes/nagios.cfg`: what does a real Nagios show of each kind of answer? It keeps what it would show in its
//! `status.dat`; the web pages that read it from there are not tried.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use crate::programs::{nagios, on_path, project};
use crate::recorded::{BLOCKED, COMPLETE, NOT_YET, Ran, Recorded, UNKNOWN, recording};

const PATIENCE: Duration = Duration::from_mins(1);
/// What a site brings along itself: its main file, whose clock here ticks in seconds instead of minutes, and its
/// templates. HERE is the folder of this test, RECIPE the recipe, USER and GROUP are ours.
const SITE: &str = "\
cfg_file=HERE/objects.cfg
cfg_file=RECIPE
resource_file=HERE/resource.cfg
log_file=HERE/nagios.log
status_file=HERE/status.dat
object_cache_file=HERE/objects.cache
precached_object_file=HERE/objects.precache
lock_file=HERE/nagios.lock
temp_file=HERE/nagios.tmp
temp_path=HERE
log_archive_path=HERE
check_result_path=HERE
command_file=HERE/nagios.cmd
query_socket=HERE/nagios.qh
nagios_user=USER
nagios_group=GROUP
check_for_updates=0
check_external_commands=0
enable_notifications=0
retain_state_information=0
interval_length=1
illegal_macro_output_chars=`~$&|'\"<>
status_update_interval=1
";
const TEMPLATES: &str = "\
define timeperiod {
    timeperiod_name never
    alias never
}
define command {
    command_name nothing
    command_line /bin/true
}
define contact {
    contact_name nobody
    host_notification_period never
    service_notification_period never
    host_notification_commands nothing
    service_notification_commands nothing
}
define host {
    name generic-host
    contacts nobody
    max_check_attempts 1
    register 0
}
define service {
    name generic-service
    contacts nobody
    register 0
}
";

/// A daemon that watches clusters; it ends with the value, and with the test process.
struct Nagios {
    daemon: Child,
    site: Recorded,
}

impl Nagios {
    /// Starts it for hosts with these names and flags, and for the one that the recipe's comment shows.
    fn watches(hosts: &[(&str, String)]) -> Self {
        let site = Recorded::absent();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_kraft-check"), site.file("kraft-check")).expect("a link");
        let here = site.file("").display().to_string().trim_end_matches('/').to_owned();
        let recipe = project("docs/recipes/nagios.cfg");
        let main = SITE.replace("HERE", &here).replace("RECIPE", &recipe.display().to_string());
        let main = main.replace("USER", &own("-u")).replace("GROUP", &own("-g"));
        let mut objects = TEMPLATES.to_owned() + &shown(&recipe);
        for (name, flags) in hosts {
            let _ = writeln!(
                objects,
                "define host {{\nuse generic-host\nhost_name {name}\naddress 127.0.0.1\nhostgroups kraft-migrations\n_KRAFT {flags}\n}}"
            );
        }
        for (file, text) in
            [("nagios.cfg", main), ("resource.cfg", format!("$USER1$={here}\n")), ("objects.cfg", objects)]
        {
            fs::write(site.file(file), text).expect("a written file");
        }
        let log = fs::File::create(site.file("said")).expect("a file");
        let both = log.try_clone().expect("a second handle");
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "TERM"]).arg(nagios()).arg(site.file("nagios.cfg"));
        let daemon = command.stdin(Stdio::null()).stdout(log).stderr(both).spawn().expect("setpriv starts");
        Self { daemon, site }
    }

    /// What it shows of each host and service, once every one has been looked at.
    fn shows(&mut self) -> BTreeMap<(String, String), Shown> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let file = fs::read_to_string(self.site.file("status.dat")).unwrap_or_default();
            let blocks = file.split("servicestatus {").skip(1).map(|rest| rest.split("\n\t}").next().unwrap_or(rest));
            let services: Vec<&str> = blocks.collect();
            if !services.is_empty() && services.iter().all(|block| value(block, "has_been_checked") == "1") {
                return services.into_iter().map(Shown::of).collect();
            }
            let ended = self.daemon.try_wait().expect("a child can be waited for");
            let said = fs::read_to_string(self.site.file("said")).unwrap_or_default();
            assert!(ended.is_none(), "nagios4 ended: {said}");
            assert!(Instant::now() < deadline, "not every service was looked at within {PATIENCE:?}: {said}");
            thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Nagios {
    fn drop(&mut self) {
        // The daemon ends its workers when it is asked to end; nobody has waited for it yet, so the id is its own.
        let _ = Command::new("sh").args(["-c", "kill \"$1\"", "sh", &self.daemon.id().to_string()]).output();
        let _ = self.daemon.wait();
    }
}

/// What Nagios shows of one service.
#[derive(Debug, PartialEq)]
struct Shown {
    state: i32,
    text: String,
    more: String,
    numbers: String,
}

impl Shown {
    fn of(block: &str) -> ((String, String), Self) {
        let owned = |key| value(block, key).to_owned();
        let shown = Self {
            state: value(block, "current_state").parse().expect("a state"),
            text: owned("plugin_output"),
            more: owned("long_plugin_output"),
            numbers: owned("performance_data"),
        };
        ((owned("host_name"), owned("service_description")), shown)
    }

    /// What kraft-check prints, as Nagios should take it apart.
    fn expected(stage: &str, recorded: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kraft-check"));
        command.args(["stage", stage, "-o", "nagios", "--from"]).arg(recording(recorded));
        let ran = Recorded::absent().run(command);
        let (first, rest) = ran.stdout.split_once('\n').expect("a line");
        let (text, numbers) = first.split_once(" | ").expect("numbers behind the text");
        let more = rest.trim_end().replace('\n', "\\n");
        // A semicolon ends a field in Nagios' own files, so that it shows a colon instead, on the first line only.
        Self { state: ran.code, text: text.replace(';', ":"), more, numbers: numbers.to_owned() }
    }
}

/// The value of a key in a block of `status.dat`.
fn value<'a>(block: &'a str, key: &str) -> &'a str {
    let found = block.lines().find_map(|line| line.trim_start().strip_prefix(key)?.strip_prefix('='));
    found.unwrap_or_default()
}

/// The host in the recipe's comment, at an address where nobody listens.
fn shown(recipe: &Path) -> String {
    let recipe = fs::read_to_string(recipe).expect("the recipe");
    let lines = recipe.lines().filter_map(|line| line.strip_prefix("#   ")).collect::<Vec<_>>();
    let host = lines.join("\n") + "\n";
    ["b1.orders.example:9092", "c1.orders.example:9093"]
        .iter()
        .fold(host, |host, address| host.replace(address, "127.0.0.1:1"))
        .replace(":7071", ":1")
}

/// Our user's or group's number.
fn own(which: &str) -> String {
    let output = Command::new("id").arg(which).output().expect("id starts");
    String::from_utf8(output.stdout).expect("a number").trim().to_owned()
}

#[test]
fn every_kind_of_answer_is_shown_as_what_it_is() {
    let from = |name| format!("--from '{}'", recording(name).display());
    let mut nagios = Nagios::watches(&[
        ("complete", from(COMPLETE)),
        ("not-yet", from(NOT_YET)),
        ("blocked", from(BLOCKED)),
        ("unknown", from(UNKNOWN)),
        ("mistyped", "--bootstrap-sever b1.example:9092".to_owned()),
        ("misplaced", from("no-such-recording")),
    ]);
    let services = nagios.shows();
    assert_eq!(services.len(), 7 * 4, "every stage of every host");
    let of = |host: &str, stage: &str| &services[&(host.to_owned(), stage.to_owned())];
    for (host, name, state, word) in [
        ("complete", COMPLETE, 0, "COMPLETE"),
        ("not-yet", NOT_YET, 1, "NOT YET"),
        ("blocked", BLOCKED, 2, "BLOCKED"),
        ("unknown", UNKNOWN, 3, "UNKNOWN"),
    ] {
        for stage in ["quorum-provisioned", "brokers-in-migration", "brokers-migrated", "finalized"] {
            assert_eq!(of(host, stage), &Shown::expected(stage, name), "{host} {stage}");
        }
        let shown = of(host, "brokers-migrated");
        assert_eq!(shown.state, state, "{shown:?}");
        assert!(shown.text.starts_with(&format!("KRAFT {word} - brokers-migrated: ")), "{shown:?}");
    }
    for (host, words) in [("mistyped", "--bootstrap-sever"), ("misplaced", "no-such-recording")] {
        let shown = of(host, "brokers-migrated");
        assert_eq!((shown.state, shown.numbers.as_str()), (3, ""), "{shown:?}");
        assert!(shown.text.starts_with("KRAFT UNKNOWN - ") && shown.text.contains(words), "{shown:?}");
    }
    // A real look, with the quotes and braces of the comment.
    let silent = of("orders", "quorum-provisioned");
    assert!(silent.state == 3 && silent.text.starts_with("KRAFT UNKNOWN - quorum-provisioned: "), "{silent:?}");
}

/// How Perl's `Monitoring::Plugin`, which knows nothing of us, reads numbers: label, value, unit, and what its own
/// reading of the thresholds makes of the value.
fn read_by_perl(numbers: &str) -> String {
    const READ: &str = "print join(' ', $_->label, $_->value . ($_->uom // ''), $_->threshold->get_status($_->value)), \
         qq(\\n) for Monitoring::Plugin::Performance->parse_perfstring(shift)";
    let mut command = Command::new(on_path("perl"));
    command.args(["-MMonitoring::Plugin::Performance", "-e", READ, numbers]);
    let Ran { code, stdout, stderr, .. } = Recorded::absent().run(command);
    assert_eq!((code, stderr.as_str()), (0, ""), "install what is missing with: sh tests/install.sh");
    stdout
}

#[test]
fn a_foreign_parser_reads_the_numbers_as_they_are_meant() {
    for (recorded, expected) in [
        (COMPLETE, ["brokers_migrated 3 0", "brokers_unknown 0 0", "voters_lag_max 0 0"]),
        (NOT_YET, ["brokers_migrated 1 1", "brokers_unknown 0 0", "voters_lag_max 0 0"]),
        (BLOCKED, ["brokers_migrated 0 1", "brokers_unknown 0 0", "voters_lag_max 0 0"]),
        (UNKNOWN, ["brokers_migrated 2 1", "brokers_unknown 1 1", "voters_lag_max 0 0"]),
    ] {
        let numbers = Shown::expected("brokers-migrated", recorded).numbers;
        let read = read_by_perl(&numbers);
        let lines: Vec<&str> = read.lines().collect();
        let (duration, others) = lines.split_last().expect("numbers");
        assert_eq!(others, expected, "{numbers}");
        assert!(duration.starts_with("duration ") && duration.ends_with("s 0"), "{duration}");
        assert_eq!(lines.len(), numbers.split(' ').count(), "what it cannot read it drops: {numbers}");
    }
}
