//! Bad input: one clear line, the right code, one JSON document, nothing on the network.

use crate::tool::{run, run_args};

/// Every kind of bad input, its exit code, and what its line must say.
const BAD: &[(&str, i32, &[&str])] = &[
    ("", 64, &["no command"]),
    ("stages finalised", 64, &["finalised"]),
    ("stagse", 64, &["stagse", "stages"]),
    ("explain finalised", 64, &["'finalised'", "finalized", "kraft-check explain"]),
    ("explain voter-without", 64, &["'voter-without'", "voter-without-flag"]),
    ("explain 4", 64, &["'4'"]),
    ("stage", 64, &["STAGE"]),
    ("stage finalised -b h:1", 64, &["finalised", "finalized"]),
    ("stage finalized --expect-broker 1", 64, &["--expect-broker", "--expect-brokers"]),
    ("wait", 64, &["STAGE"]),
    ("wait finalised", 64, &["finalised", "finalized"]),
    ("wait finalized", 64, &["no address", "-b HOST:PORT", "-C ID@HOST:PORT"]),
    ("wait finalized --from x.json", 64, &["--from", "a recording does not change"]),
    ("wait finalized -b h:1 --samples 0", 64, &["--samples", "0"]),
    ("wait finalized -b h:1 --interval 0", 64, &["--interval", "'0'"]),
    ("wait finalized -b h:1 --stable-for soon", 64, &["--stable-for", "'soon'"]),
    ("wait finalized -b h:1 -t 1m --stable-for 60s", 78, &["--timeout", "1m", "--stable-for"]),
    ("wait finalized -b h:1 -t 9s --samples 3", 78, &["--timeout", "9s", "--samples", "10s"]),
    ("wait finalized -b h:1 --on-slow=", 64, &["--on-slow", "no command is named"]),
    ("wait finalized -b h:1 --on-slow=\"\"", 64, &["--on-slow", "no command is named"]),
    ("wait finalized -b h:1 --on-change=it's", 64, &["--on-change", "quotation mark"]),
    ("stage finalized -b h:1 -o jsonl", 64, &["-o jsonl is for wait"]),
    ("schema -o jsonl=x", 64, &["-o jsonl is for wait"]),
    ("stage finalized", 64, &["no address", "-b HOST:PORT", "-C ID@HOST:PORT"]),
    ("stage finalized -b localhost", 64, &["'localhost'", "no port", "HOST:PORT"]),
    ("stage finalized -b localhost:0", 64, &["'localhost:0'", "port"]),
    ("stage finalized -b localhost:99999", 64, &["'localhost:99999'", "port"]),
    ("stage finalized -b ::1:9092", 64, &["brackets", "[::1]:9092"]),
    ("stage finalized -b x@localhost:9092", 64, &["'x'", "node id"]),
    ("stage finalized -b -1@localhost:9092", 64, &["-1"]),
    ("stage finalized -b :9092", 64, &["no host"]),
    ("stage finalized -b h:1,", 64, &["no port"]),
    ("stage finalized -C localhost:9093 --metrics http://{host}/{id}", 64, &["{id}", "ID@localhost:9093"]),
    ("stage finalized -b h:1 --metric state", 64, &["--metric", "zk-migration-state"]),
    (
        "stage finalized -b h:1 --metric offline=x",
        64,
        &["'offline'", "zk-migration-state", "migrating-zk-broker-count"],
    ),
    ("stage finalized -b h:1 --metric zk-migration-state=", 64, &["no metric name"]),
    ("stage finalized -b h:1 --metric zk-migration-state=x{a", 64, &["no }"]),
    ("stage finalized -b h:1 --metric zk-migration-state=x{a}", 64, &["LABEL=VALUE"]),
    ("stage finalized -b h:1 --expect-cluster-id=", 64, &["--expect-cluster-id", "meta.properties"]),
    ("stage finalized -b h:1 --expect-brokers 1-", 64, &["'1-'", "1-50,60"]),
    ("stage finalized -b h:1 --expect-brokers 5-1", 64, &["'5-1'"]),
    ("stage finalized -b h:1 --expect-brokers 1-2000000000", 64, &["10000 ids"]),
    ("stage finalized -b h:1 --expect-brokers 2147483648", 64, &["'2147483648'"]),
    ("stage finalized -b h:1 --timeout 5parsecs", 64, &["--timeout", "'5parsecs'", "15m"]),
    ("stage finalized -b h:1 --timeout 0", 64, &["--timeout", "'0'"]),
    ("stage finalized -b h:1 --concurrency 0", 64, &["0", "1..=1024"]),
    ("stage finalized -b h:1 -o yaml", 64, &["yaml", "human", "json"]),
    ("stage finalized -C 1@h:1 --metrics nonsense", 64, &["--metrics", "http://HOST:PORT/metrics"]),
    ("stage finalized -C 1@h:1 --metrics ftp://{host}/m", 64, &["https"]),
    ("stage finalized -C 1@h:1 --metrics http://{hots}/m", 64, &["{host}, {id} and {port}"]),
    ("stage finalized -C 1@h:1 --metrics http://a/m --metrics http://b/m", 64, &["one template"]),
    ("stage finalized -b 1@h:1,2@h:1", 78, &["h:1", "1", "2"]),
    ("stage finalized -b 1@h:1,1@h:2", 78, &["1", "h:1", "h:2"]),
    ("stage finalized -b h:1,1@h:2,1@h:1", 78, &["1", "h:1", "h:2"]),
    ("stage finalized -C 3001@h:1,3002@H:1", 78, &["h:1", "3001", "3002"]),
    ("stage finalized -C 1@h:1,2@h:2 --metrics http://{host}:7071/m", 78, &["1 and 2", "same page"]),
    ("stage finalized -C 1@h:1 --metrics 1=http://a/m,1=http://b/m", 78, &["two pages", "1"]),
];

#[test]
fn bad_input_is_one_clear_line_with_its_code() {
    for (args, code, words) in BAD {
        let ran = run(args);
        assert_eq!(ran.code, *code, "{args}: {}", ran.stdout);
        let lines: Vec<&str> = ran.stdout.lines().collect();
        assert_eq!(lines.len(), 1, "{args}: one line, not {:?}", ran.stdout);
        assert_eq!(ran.stderr, "", "{args}: nothing on stderr");
        for word in *words {
            assert!(lines[0].contains(word), "{args}: {:?} does not say {word:?}", lines[0]);
        }
    }
}

#[test]
fn bad_input_under_json_is_one_document() {
    for (args, code, words) in BAD.iter().filter(|(args, ..)| !args.contains("-o")) {
        for json in ["-o json", "-ojson", "--output=json"] {
            let ran = run(&format!("{args} {json}"));
            assert_eq!(ran.code, *code, "{args} {json}");
            let document = ran.json();
            assert_eq!(document["kind"], "error", "{args}");
            assert_eq!(document["verdict"], serde_json::Value::Null, "{args}");
            let message = document["error"]["message"].as_str().expect("a message");
            // With nothing typed but the format, the missing command is what is wrong.
            if !args.is_empty() {
                assert!(words.iter().all(|word| message.contains(word)), "{args}: {message}");
            }
        }
    }
}

#[test]
fn arguments_that_are_not_text_are_a_usage_error() {
    use std::os::unix::ffi::OsStrExt;
    let strange = std::ffi::OsStr::from_bytes(b"\xff\xfe");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_kraft-check"))
        .args(["stage", "finalized", "-b"])
        .arg(strange)
        .output()
        .expect("the binary starts");
    assert_eq!(output.status.code(), Some(64));
}

#[test]
fn a_password_in_a_url_is_refused_and_not_repeated() {
    let url = "http://probe:hunter2@127.0.0.1:7071/metrics";
    for format in ["human", "json"] {
        for flag in ["--metrics", "-b", "-C"] {
            let ran = run_args(&["stage", "finalized", "-C", "1@h:1", flag, url, "-o", format]);
            assert_eq!(ran.code, 64);
            assert!(!ran.stdout.contains("hunter2") && !ran.stderr.contains("hunter2"), "{ran:?}");
        }
    }
}

#[test]
fn help_ends_with_the_exit_codes() {
    for args in ["--help", "stage --help"] {
        let ran = run(args);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
        let table = kraft_check::exit::table();
        assert!(ran.stdout.trim_end().ends_with(table.trim_end()), "{}", ran.stdout);
    }
    assert_eq!(run("--version").stdout, concat!("kraft-check ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn a_closed_pipe_keeps_the_verdict_and_a_full_disk_is_74() {
    let script = |redirect: &str| {
        let tool = env!("CARGO_BIN_EXE_kraft-check");
        let line = format!("{tool} stage finalized {redirect}");
        let output = std::process::Command::new("bash").args(["-c", &line]).output().expect("bash runs");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(script("| true; exit ${PIPESTATUS[0]}"), (Some(64), String::new()));
    let (code, words) = script("> /dev/full");
    assert_eq!(code, Some(74));
    assert!(words.contains("could not be written"), "{words}");
}
