//! Is every file of properties read as `java.util.Properties` reads it? Thousands of files, by Java itself and by us.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::thread;

use fastrand::Rng;
use kraft_check::config::properties::parse;

use crate::programs::{on_path, project};

const FILES: usize = 20_000;
/// A seed repeats a run: `KRAFT_CHECK_SEED=1 cargo test --test consumers java`.
const SEED: &str = "KRAFT_CHECK_SEED";

/// What files are made of: what means something, what is not ASCII, in UTF-8 and in ISO-8859-1, and letters.
const PIECES: &[&[u8]] = &[
    b"=",
    b":",
    b" ",
    b"\t",
    b"\x0c",
    b"\\",
    b"\\\\",
    b"\n",
    b"\r",
    b"\r\n",
    b"#",
    b"!",
    b"\\\n",
    b"\\\r\n",
    b"\\\r",
    b"\\u00e4",
    b"\\ud83d\\ude00",
    b"\\uD7FF",
    b"\\u0000",
    b"\\n",
    b"\\t",
    b"\\r",
    b"\\f",
    b"\\=",
    b"\\:",
    b"\\ ",
    b"\\#",
    b"\"",
    b"'",
    b";",
    b"${file:/a:b}",
    b"a",
    b"b",
    b"key",
    b"sasl.jaas.config",
    b"0",
    b"\0",
    b"\xe4",
    b"\xff",
    b"\xc3\xa4",
    b"\xe2\x82\xac",
    b"\xf0\x9f\x98\x80",
    b"\xc2\x85",
    b"\xe2\x80\xa8",
    b"\x0b",
    b"\x1a",
];

/// What Java refuses, unless what stands behind it makes it whole.
const BROKEN: [&[u8]; 4] = [b"\\u", b"\\u12", b"\\ud83d", b"\\ude00"];

#[test]
fn is_every_file_of_properties_read_as_java_reads_it() {
    let seed = std::env::var(SEED).ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| fastrand::u64(..));
    println!("{SEED}={seed}");
    let mut chance = Rng::with_seed(seed);
    let files: Vec<Vec<u8>> = (0..FILES).map(|_| file(&mut chance)).collect();
    let by_java = by_java(&files);
    assert_eq!(by_java.len(), files.len(), "a line for each file");
    let refused = by_java.iter().filter(|line| *line == "refused").count();
    assert!(refused > FILES / 100 && refused < FILES / 2, "{refused} were refused: others are of more use");
    for (file, by_java) in files.iter().zip(&by_java) {
        let ours = parse(file).map_or_else(
            |_| "refused".to_owned(),
            |properties| {
                let mut all: Vec<String> =
                    properties.iter().map(|(key, value)| format!("{}={}", hex(key), hex(value))).collect();
                all.sort();
                all.join(" ")
            },
        );
        assert_eq!(ours, *by_java, "{SEED}={seed}: \"{}\"", file.escape_ascii());
    }
}

/// A file, of which one in eight may be broken.
fn file(chance: &mut Rng) -> Vec<u8> {
    let pieces: Vec<&[u8]> =
        PIECES.iter().chain(if chance.u8(..8) == 0 { &BROKEN[..] } else { &[] }).copied().collect();
    (0..chance.usize(0..24)).flat_map(|_| pieces[chance.usize(..pieces.len())].to_vec()).collect()
}

fn by_java(files: &[Vec<u8>]) -> Vec<String> {
    // The compiler, too: a file of source is run as it is.
    on_path("javac");
    let mut java = Command::new(on_path("java"))
        .args(["-Xmx128m", "-XX:TieredStopAtLevel=1"])
        .arg(project("tests/consumers/PropertiesOf.java"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("java starts");
    let mut input = java.stdin.take().expect("a standard input");
    let bytes: Vec<u8> = files
        .iter()
        .flat_map(|file| {
            let length = u32::try_from(file.len()).expect("a short file");
            length.to_be_bytes().into_iter().chain(file.iter().copied())
        })
        .collect();
    let writer = thread::spawn(move || input.write_all(&bytes).expect("java reads"));
    let output = java.wait_with_output().expect("java ends");
    writer.join().expect("all of it is written");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("ASCII").lines().map(ToOwned::to_owned).collect()
}

fn hex(text: &str) -> String {
    text.bytes().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a string takes everything");
        hex
    })
}
