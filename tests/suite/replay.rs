//! `--snapshot` and `--from`: is a recording whole or not there, judged as the look was, and refused if it is none?

use std::fs;
use std::path::PathBuf;

use crate::tool::run;

/// A path in a folder of this test's own.
fn file(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("kraft-check-replay-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    folder.join(name)
}

/// Nobody listens at port 1, so every look is alike.
const LOOK: &str = "-b 127.0.0.1:1 --expect-brokers 1 -C 3001@127.0.0.1:1 --metrics http://127.0.0.1:1/metrics";

#[test]
fn a_recording_is_judged_as_the_look_was_in_every_format() {
    let kept = file("alike.json");
    for stage in ["quorum-provisioned", "finalized"] {
        let live = run(&format!("stage {stage} {LOOK} -o json --snapshot {}", kept.display()));
        let replayed = run(&format!("stage {stage} --from {} -o json", kept.display()));
        assert_eq!((live.code, &live.stdout), (replayed.code, &replayed.stdout));
        let human = run(&format!("stage {stage} --from {}", kept.display()));
        assert_eq!(human.code, live.code);
        assert!(human.stdout.starts_with(&format!("CANNOT TELL: {stage}")), "{}", human.stdout);
    }
    let beside = fs::read_dir(kept.parent().expect("a folder")).expect("a folder").flatten();
    assert!(beside.into_iter().all(|entry| !entry.path().to_string_lossy().ends_with(".part")), "nothing half-written");
}

#[test]
fn what_is_no_recording_is_refused_with_its_reason() {
    let recorded =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/protocol-fixtures/3.9.2/smallest/05-finalized.json"));
    let recorded = recorded.expect("a recording");
    for (name, text, words) in [
        ("empty.json", String::new(), "not a recording"),
        ("page.json", "kafka_controller_x 1.0\n".to_owned(), "not a recording"),
        ("other.json", "{\"kind\":\"report\",\"schema_version\":\"0.1\"}".to_owned(), "does not begin as one"),
        ("later.json", recorded.replace("\"format_version\":2", "\"format_version\":5"), "recorded in format 5"),
        ("cut.json", recorded[..recorded.len() / 2].to_owned(), "not a recording"),
        ("more.json", recorded.replacen("\"looks\"", "\"extra\":1,\"looks\"", 1), "unknown field `extra`"),
        ("blind.json", recorded.replace("\"depth\":\"stage\"", "\"depth\":\"abyss\""), "abyss"),
    ] {
        let path = file(name);
        fs::write(&path, text).expect("a written file");
        let ran = run(&format!("stage finalized --from {} -o json", path.display()));
        let document = ran.json();
        assert_eq!((ran.code, document["kind"].as_str()), (78, Some("error")), "{name}");
        let message = document["error"]["message"].as_str().expect("a message");
        assert!(message.contains(words) && message.contains(name), "{name}: {message}");
    }
    let missing = run("stage finalized --from no-such-file.json");
    assert_eq!(missing.code, 78);
    assert!(missing.stdout.contains("no-such-file.json") && missing.stdout.lines().count() == 1, "{}", missing.stdout);
}

#[test]
fn a_recording_and_addresses_together_are_a_usage_error() {
    for flags in
        ["-b h:1", "-C 1@h:1", "--expect-brokers 1", "--expect-controllers 1", "--metrics http://h/m", "--snapshot x"]
    {
        assert_eq!(run(&format!("stage finalized --from x.json {flags}")).code, 64, "{flags}");
    }
}

#[test]
fn a_recording_that_cannot_be_kept_is_74_and_the_report_is_there_all_the_same() {
    let nowhere = file("no-such-folder").join("kept.json");
    let ran = run(&format!("stage finalized {LOOK} -o json --snapshot {}", nowhere.display()));
    assert_eq!(ran.code, 74);
    assert!(ran.stderr.contains("could not be written"), "{}", ran.stderr);
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).expect("one document");
    assert_eq!(document["verdict"], "unknown");
}

#[test]
fn what_was_recorded_for_a_stage_is_refused_for_health_in_one_line() {
    let shallow = concat!(env!("CARGO_MANIFEST_DIR"), "/protocol-fixtures/3.9.2/smallest/05-finalized.json");
    for command in ["health", "stage finalized --health", "stage finalized --only broker/1 --health"] {
        let ran = run(&format!("{command} --from {shallow}"));
        assert_eq!(ran.code, 78, "{command}");
        let said = [ran.stdout.as_str(), &ran.stderr].concat();
        assert_eq!(said.lines().count(), 1, "{command}: {said}");
        assert!(said.contains("recorded at the depth of a stage, and health needs more"), "{command}: {said}");
    }
    assert_eq!(run(&format!("stage finalized --from {shallow}")).code, 0);
    // What was recorded for health answers a stage as well.
    let deep = file("deep.json");
    let live = run(&format!("health {LOOK} --request-timeout 1 --snapshot {}", deep.display()));
    assert_eq!(live.code, 3);
    for command in ["health", "stage finalized", "stage finalized --health"] {
        assert_eq!(run(&format!("{command} --from {}", deep.display())).code, 3, "{command}");
    }
}
