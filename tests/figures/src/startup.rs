//! What it costs to start the program, beside `/bin/true`, and how large it is.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::Places;
use crate::spent::{Spent, Summary, program, ratio, run};

const ROUNDS: usize = 401;
const KINDS: usize = 8;

/// Every command's costs, the first that of `/bin/true`.
pub(crate) struct Startup(Vec<(&'static str, Summary, f64, f64)>);

impl Startup {
    /// How long `--version` takes beside `/bin/true`, of the program of this kind.
    pub(crate) fn ratio_of(&self, kind: &str) -> f64 {
        let line = self.0.iter().find(|(what, ..)| what.contains("--version") && what.ends_with(kind));
        line.expect("a program of this kind").2
    }
}

pub(crate) fn measure(places: &Places) -> Startup {
    eprintln!("start-up");
    let version: &[&str] = &["--version"];
    // Port 1 is nobody's: every connection is refused at once.
    let refused: &[&str] =
        &["stage", "brokers-migrated", "-b", "127.0.0.1:1", "--expect-brokers", "1", "-C", "3001@127.0.0.1:1"];
    let (program_path, alone) = (&*places.program, &*places.alone);
    let plain = client_properties(places, "plain.properties", "security.protocol=PLAINTEXT\n");
    let login = "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=SCRAM-SHA-512\nsasl.jaas.config=ScramLoginModule \
                 required username=\"probe\" password=\"hushhush\";\n";
    let login = client_properties(places, "login.properties", login);
    let tls = client_properties(places, "tls.properties", "security.protocol=SSL\n");
    let [plain, login, tls] = [&plain, &login, &tls].map(|file| [refused, &["--command-config", file]].concat());
    let commands: [(&'static str, &Path, &[&str], i32); KINDS] = [
        ("`/bin/true`", Path::new("/bin/true"), &[], 0),
        ("`kraft-check --version`, glibc", program_path, version, 0),
        ("`kraft-check --version`, static", alone, version, 0),
        ("a verdict, connections refused, glibc", program_path, refused, 3),
        ("a verdict, connections refused, static", alone, refused, 3),
        ("the same, glibc, with client properties of PLAINTEXT", program_path, &plain, 3),
        ("… of SASL_PLAINTEXT, with a login by SCRAM", program_path, &login, 3),
        ("… of SSL, with the authorities of the operating system", program_path, &tls, 3),
    ];
    let mut runs: [Vec<Spent>; KINDS] = Default::default();
    for round in 0..ROUNDS {
        for turn in 0..commands.len() {
            // Each is first in its turn.
            let place = (round + turn) % commands.len();
            let (_, path, words, code) = commands[place];
            let mut command = program(path, &places.scratch);
            command.args(words);
            runs[place].push(run(command, code));
        }
    }
    let line = |((what, ..), own): (&(&'static str, &Path, &[&str], i32), &Vec<Spent>)| {
        (*what, Summary::of(own), ratio(own, &runs[0], |it| it.wall_ms), ratio(own, &runs[0], |it| it.cpu_ms))
    };
    Startup(commands.iter().zip(&runs).map(line).collect())
}

/// A file of client properties, which nobody else can read.
fn client_properties(places: &Places, name: &str, text: &str) -> String {
    let file = places.scratch.join(name);
    fs::write(&file, text).expect("a written file");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("its mode");
    file.to_str().expect("a path in UTF-8").to_owned()
}

pub(crate) fn table(Startup(lines): &Startup) -> String {
    let mut text = "| | wall ms (quartiles) | beside `/bin/true` | CPU ms | beside `/bin/true` | peak MB |\n\
                    |---|---:|---:|---:|---:|---:|\n"
        .to_owned();
    for (what, Summary { wall_ms, wall_quartiles: (low, high), cpu_ms, peak_mb }, wall, cpu) in lines {
        let _ = writeln!(
            text,
            "| {what} | {wall_ms:.2} ({low:.2} to {high:.2}) | {wall:.2} x | {cpu_ms:.2} | {cpu:.2} x | {peak_mb:.1} |"
        );
    }
    text
}

pub(crate) fn sizes(places: &Places) -> String {
    let mut text = "| program | MB |\n|---|---:|\n".to_owned();
    for (which, path) in [("static, musl", &places.alone), ("glibc", &places.program)] {
        let _ = writeln!(text, "| {which} | {:.2} |", megabytes(path));
    }
    text
}

/// How large a file is.
#[expect(clippy::cast_precision_loss, reason = "no file has that many bytes")]
pub(crate) fn megabytes(path: &Path) -> f64 {
    fs::metadata(path).expect("the program").len() as f64 / 1e6
}
