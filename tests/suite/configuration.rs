//! Flag > environment > config file > default: which holds, for every key; which file is read, and which cluster of
//! it; what each broken file looks like; what `config show` says.

use std::fs;

use kraft_check::render::{Document, Format, Style, render};
use kraft_check::settings::{Origin, Setting, Settings, Value};
use serde_json::json;

use crate::host::{Host, setting};

/// Every key, whether it is a list, its default, and a value for file, environment and flag.
const KEYS: [(&str, bool, Option<&str>, [&str; 3]); 29] = [
    ("bootstrap-server", true, None, ["f:1", "e:1", "t:1"]),
    ("bootstrap-controller", true, None, ["1@f:1", "2@e:1", "3@t:1"]),
    ("metrics", true, None, ["http://f/m", "http://e/m", "http://t/m"]),
    ("broker-metrics", false, None, ["http://{host}/f", "http://{host}/e", "http://{host}/t"]),
    ("metric", true, None, ["zk-migration-state=f", "zk-migration-state=e{a=b}", "zk-migration-state=t"]),
    ("expect-brokers", false, None, ["1-3", "4", "5,6"]),
    ("expect-controllers", false, None, ["1", "2", "3"]),
    ("expect-cluster-id", false, None, ["file", "environment", "typed"]),
    ("command-config", false, None, ["f.properties", "e.properties", "t.properties"]),
    ("controller-command-config", false, None, ["f.properties", "e.properties", "t.properties"]),
    ("property", true, None, ["client.id=f", "client.id=e", "client.id=t"]),
    ("metrics-config", false, None, ["f.properties", "e.properties", "t.properties"]),
    ("timeout", false, Some("30s"), ["1s", "2s", "3"]),
    ("request-timeout", false, Some("5s"), ["1s", "2s", "3"]),
    ("page-timeout", false, Some("10s"), ["1s", "2s", "3"]),
    ("concurrency", false, Some("64"), ["1", "2", "3"]),
    ("look-timeout", false, Some("30s"), ["1s", "2s", "3"]),
    ("interval", false, Some("5s"), ["1s", "2s", "3"]),
    ("stable-for", false, Some("0s"), ["1s", "0", "3"]),
    ("samples", false, Some("2"), ["1", "3", "4"]),
    ("blocked-samples", false, Some("1"), ["2", "3", "4"]),
    ("no-progress", false, None, ["1s", "2s", "3"]),
    ("slow-after", false, None, ["1s", "2s", "3"]),
    ("slow-repeat", false, None, ["1s", "2s", "3"]),
    ("on-slow", false, None, ["f", "e --e", "t"]),
    ("on-change", false, None, ["f", "e --e", "t"]),
    ("on-blocked", false, None, ["f", "e --e", "t"]),
    ("on-complete", false, None, ["f", "e --e", "t"]),
    ("findings", false, Some("failing"), ["all", "failing", "all"]),
];

fn variable(key: &str) -> String {
    format!("KRAFT_CHECK_{}", key.to_uppercase().replace('-', "_"))
}

#[test]
fn flag_over_environment_over_file_over_default_for_every_key() {
    let nothing = Host::new().show(&[], "");
    let shown = nothing["settings"].as_array().expect("settings").iter().map(|one| one["key"].as_str().expect("a key"));
    let mut shown: Vec<&str> = shown.filter(|key| *key != "output").collect();
    let mut known: Vec<&str> = KEYS.iter().map(|(key, ..)| *key).collect();
    shown.sort_unstable();
    known.sort_unstable();
    assert_eq!(shown, known, "every key is in the table");
    for (key, is_list, default, [in_file, in_environment, typed]) in KEYS {
        let value = |text: &str| if is_list { json!([text]) } else { json!(text) };
        let host = Host::with(&format!("{key} = '{in_file}'\n"));
        for name in ["f", "e", "t"] {
            host.write(&format!("work/{name}.properties"), "");
        }
        let variable = variable(key);
        let environment = [(variable.as_str(), in_environment)];
        let flag = format!("--{key}={typed}");
        assert_eq!(setting(&nothing, key), (default.map_or(json!(null), value), "default".to_owned()));
        assert_eq!(setting(&host.show(&[], ""), key), (value(in_file), "kraft-check.toml".to_owned()));
        let from_environment = (value(in_environment), format!("environment {variable}"));
        assert_eq!(setting(&host.show(&environment, ""), key), from_environment);
        assert_eq!(setting(&host.show(&environment, &flag), key), (value(typed), "flag".to_owned()));
        // An empty variable is none.
        assert_eq!(setting(&host.show(&[(&variable, "")], ""), key).1, "kraft-check.toml");
    }
}

#[test]
fn the_form_of_the_answer_can_be_set_everywhere_too() {
    let host = Host::with("output = 'json'\n");
    assert_eq!(host.run(&[], "config show").json()["kind"], "config");
    let human = host.run(&[("KRAFT_CHECK_OUTPUT", "human")], "config show --origin");
    assert!(human.stdout.contains("output = [\"human\"] # environment KRAFT_CHECK_OUTPUT\n"), "{}", human.stdout);
    let json = host.run(&[("KRAFT_CHECK_OUTPUT", "human")], "config show -ojson");
    assert_eq!(setting(&json.json(), "output"), (json!(["json"]), "flag".to_owned()));
    // What is wrong is said in it as well, whatever is wrong.
    assert_eq!(
        host.run(&[("KRAFT_CHECK_CONCURRENCY", "0"), ("KRAFT_CHECK_OUTPUT", "json")], "config show").json()["exit_code"],
        64
    );
    assert_eq!(host.run(&[("KRAFT_CHECK_OUTPUT", "json")], "stage finalised").json()["kind"], "error");
    assert!(host.run(&[("KRAFT_CHECK_OUTPUT", "json")], "stage finalised -o human").stdout.starts_with("kraft-check:"));
    assert_eq!(Host::with("output = 'json'\nconcurrency = 0\n").run(&[], "config show").json()["exit_code"], 78);
}

#[test]
fn a_list_replaces_a_lower_one_whole() {
    let host =
        Host::with("bootstrap-server = ['a:1', 'b:1,c:1']\n[clusters.x]\n[clusters.none]\nbootstrap-server = []\n");
    let servers = |variables: &[(&str, &str)], args: &str| setting(&host.show(variables, args), "bootstrap-server").0;
    assert_eq!(servers(&[], "--cluster x"), json!(["a:1", "b:1", "c:1"]));
    assert_eq!(servers(&[], "--cluster none"), json!([]));
    assert_eq!(servers(&[("KRAFT_CHECK_BOOTSTRAP_SERVER", "d:1,e:1")], "--cluster x"), json!(["d:1", "e:1"]));
    assert_eq!(servers(&[("KRAFT_CHECK_BOOTSTRAP_SERVER", "d:1")], "--cluster x -b f:1 -b g:1"), json!(["f:1", "g:1"]));
}

#[test]
fn only_the_first_file_of_the_search_is_read() {
    let host = Host::new();
    let xdg = host.path("xdg").display().to_string();
    let with_xdg = [("XDG_CONFIG_HOME", xdg.as_str())];
    let file = |variables: &[(&str, &str)], args: &str| host.show(variables, args)["file"].clone();
    assert_eq!(file(&with_xdg, ""), json!(null));
    host.write("home/.config/kraft-check/config.toml", "timeout = 1\n");
    let of_home = host.path("home/.config/kraft-check/config.toml").display().to_string();
    assert_eq!(file(&[], ""), json!(of_home));
    // XDG demands an absolute path, and that others are ignored.
    assert_eq!(file(&[("XDG_CONFIG_HOME", "xdg")], ""), json!(of_home));
    assert_eq!(file(&with_xdg, ""), json!(null));
    host.write("xdg/kraft-check/config.toml", "timeout = 2\n");
    host.write("home/.config/kraft-check/config.toml", "broken");
    assert_eq!(file(&with_xdg, ""), json!(host.path("xdg/kraft-check/config.toml").display().to_string()));
    host.write("work/kraft-check.toml", "concurrency = 3\n");
    let shown = host.show(&with_xdg, "");
    assert_eq!((&shown["file"], setting(&shown, "timeout").0), (&json!("kraft-check.toml"), json!("30s")));
    host.write("work/mine.json", r#"{"timeout": 4, "bootstrap-server": ["h:1"]}"#);
    assert_eq!(file(&with_xdg, "--config mine.json"), json!("mine.json"));
    assert_eq!(file(&[("KRAFT_CHECK_CONFIG", "mine.json")], ""), json!("mine.json"));
    assert_eq!(file(&[("KRAFT_CHECK_CONFIG", "mine.json")], "--config kraft-check.toml"), json!("kraft-check.toml"));
}

#[test]
fn a_file_that_is_there_and_cannot_be_read_is_not_passed_over() {
    let host = Host::new();
    host.write("home/.config/kraft-check/config.toml", "timeout = 1\n");
    let refused = |args: &str, words: &str| {
        let ran = host.run(&[], &format!("config show {args}"));
        assert_eq!(ran.code, 78, "{ran:?}");
        assert!(ran.stdout.contains(words) && ran.stdout.lines().count() == 1, "{}", ran.stdout);
    };
    refused("--config missing.toml", "missing.toml: the config file cannot be read: No such file");
    std::os::unix::fs::symlink("nowhere.toml", host.path("work/kraft-check.toml")).expect("a link");
    refused("", "kraft-check.toml: the config file cannot be read: No such file");
    fs::remove_file(host.path("work/kraft-check.toml")).expect("a link");
    fs::create_dir(host.path("work/kraft-check.toml")).expect("a folder");
    refused("", "kraft-check.toml: the config file cannot be read: Is a directory");
    host.write("work/latin.toml", b"timeout = '\xe4'");
    refused("--config latin.toml", "UTF-8");
    host.write("work/huge.toml", "#".repeat(2 * 1024 * 1024));
    refused("--config huge.toml", "more than 1048576 bytes");
}

/// Every kind of broken file, and what its line must say beside the file's name.
const BROKEN: &[(&str, &str, &[&str])] = &[
    ("a.toml", "timeout", &["not valid TOML", "line 1 column 8"]),
    ("b.toml", "timeout = '1s'\nfindings = \"hunter2\n", &["not valid TOML", "line 2 column 20"]),
    ("c.toml", "timeout = 1\ntimeout = 2\n", &["duplicate key", "line 2 column 1"]),
    ("d.json", "{\"timeout\": 1,}", &["not valid JSON", "line 1 column 15"]),
    ("e.json", "[]", &["an object belongs here, not an array"]),
    ("f.json", "{\"timeout\": null}", &["not valid JSON", "null"]),
    ("g.json", "", &["not valid JSON"]),
    ("h.toml", "bootstap-server = 'h:1'", &["unknown key 'bootstap-server'", "did you mean 'bootstrap-server'"]),
    ("i.toml", "bootstrap_server = 'h:1'", &["unknown key 'bootstrap_server'", "'bootstrap-server'"]),
    ("j.toml", "[cluster.east]", &["unknown key 'cluster'", "'clusters'"]),
    ("k.toml", "xyz = 'hunter2'", &["unknown key 'xyz'", "config show -o json"]),
    ("l.toml", "[clusters.east]\ntimout = 1", &["unknown key 'timout' in [clusters.east]", "'timeout'"]),
    ("m.toml", "[clusters.east]\n[clusters.west]\ntimout = 1", &["unknown key 'timout' in [clusters.west]"]),
    ("n.toml", "timeout = ['hunter2']", &["timeout: a string or a whole number belongs here, not an array"]),
    ("o.toml", "timeout = 1.5", &["timeout", "not a number with a point"]),
    ("p.toml", "bootstrap-server = 9092", &["bootstrap-server: a string or an array of strings", "not a whole number"]),
    ("q.toml", "metrics = ['http://h/m', 2]", &["metrics", "not an array of anything else"]),
    ("r.toml", "clusters = 'hunter2'", &["clusters: a table belongs here, not a string"]),
    ("s.toml", "clusters.east = 'hunter2'", &["clusters.east: a table belongs here, not a string"]),
    ("t.toml", "default-cluster = 1", &["default-cluster: the name of a cluster", "not a whole number"]),
    ("u.toml", "default-cluster = 'esat'\n[clusters.east]", &["no cluster 'esat'", "did you mean 'east'"]),
    ("v.toml", "default-cluster = 'east'", &["no cluster 'east'", "it has none"]),
    ("w.toml", "[clusters.east]\n[clusters.west]", &["several clusters", "--cluster", "east, west"]),
    ("x.toml", "timeout = '5parsecs'", &["timeout: '5parsecs'", "15m"]),
    ("y.toml", "concurrency = 0", &["concurrency", "1..=1024"]),
    ("z.toml", "findings = 'some'", &["'some'", "findings", "failing, all"]),
    ("aa.toml", "bootstrap-server = 'localhost'", &["bootstrap-server: 'localhost' has no port"]),
    ("ab.toml", "bootstrap-server = ''", &["bootstrap-server: '' has no port"]),
    ("ac.toml", "expect-brokers = '3-1'", &["expect-brokers: '3-1'"]),
    (
        "ad.toml",
        "bootstrap-controller = '1@h:1'\nmetrics = 'http://probe:hunter2@h/m'",
        &["metrics: a URL with a user or password"],
    ),
    ("ae.toml", "from = 'x.json'", &["unknown key 'from'"]),
];

#[test]
fn a_broken_file_is_one_clear_line_with_78_for_every_command() {
    let host = Host::new();
    for (name, text, words) in BROKEN {
        host.write(&format!("work/{name}"), text);
        let stage = host.run(&[], &format!("stage finalized --config {name}"));
        let show = host.run(&[], &format!("config show --config {name}"));
        assert_eq!((stage.code, &stage.stdout), (show.code, &show.stdout), "{name}: for every command");
        assert_eq!((show.code, show.stderr.as_str(), show.stdout.lines().count()), (78, "", 1), "{name}: {show:?}");
        let json = host.run(&[], &format!("config show --config {name} -o json")).json();
        let message = json["error"]["message"].as_str().expect("a message");
        for word in words.iter().chain([name]) {
            assert!(show.stdout.contains(word) && message.contains(word), "{name}: {} lacks {word:?}", show.stdout);
        }
        assert!(!show.stdout.contains("hunter2") && !message.contains("hunter2"), "{name}: {}", show.stdout);
    }
}

#[test]
fn what_only_a_wait_needs_is_refused_by_a_wait_and_where_it_is_shown() {
    let host = Host::new();
    for (text, words) in [
        ("on-slow = \"it's hunter2\"", "on-slow: a quotation mark"),
        ("on-complete = ' '", "on-complete: no command is named"),
        ("stable-for = 'soon'", "stable-for: 'soon'"),
        ("samples = 0", "samples"),
    ] {
        host.write("work/kraft-check.toml", text);
        let (waited, shown) = (host.run(&[], "wait finalized -b h:1"), host.run(&[], "config show"));
        assert_eq!((waited.code, &waited.stdout), (78, &shown.stdout), "{text}");
        assert!(shown.stdout.contains(words) && !shown.stdout.contains("hunter2"), "{}", shown.stdout);
    }
}

#[test]
fn bad_values_in_the_environment_are_refused_by_the_name_of_the_variable() {
    for (variable, value, code) in [
        ("KRAFT_CHECK_OUTPUT", "yaml", 64),
        ("KRAFT_CHECK_CONCURRENCY", "many", 64),
        ("KRAFT_CHECK_TIMEOUT", "5parsecs", 64),
        ("KRAFT_CHECK_BOOTSTRAP_SERVER", "localhost", 64),
        ("KRAFT_CHECK_BOOTSTRAP_SERVER", "1@h:1,2@h:1", 78),
        ("KRAFT_CHECK_METRICS", "http://probe:hunter2@h/m", 64),
        ("KRAFT_CHECK_ORIGIN", "perhaps", 64),
    ] {
        let ran = Host::new().run(&[(variable, value)], "config show -C 1@c:1");
        assert_eq!((ran.code, ran.stdout.lines().count()), (code, 1), "{ran:?}");
        assert!(ran.stdout.contains(variable) && !ran.stdout.contains("hunter2"), "{}", ran.stdout);
    }
    assert_eq!(Host::new().run(&[("KRAFT_CHECK_CLUSTER", "east")], "config show").code, 78);
    assert!(Host::new().run(&[("KRAFT_CHECK_ORIGIN", "1")], "config show").stdout.contains("# default"));
}

const TWO: &str = "timeout = '1s'\nexpect-brokers = '1'\n
[clusters.east]\nbootstrap-server = '127.0.0.1:1'\nexpect-brokers = '1-3'\n
[clusters.west]\nbootstrap-server = '127.0.0.1:2'\n";

#[test]
fn a_cluster_is_chosen_by_name_by_default_or_because_it_is_the_only_one() {
    let host = Host::with(TWO);
    let east = host.show(&[], "--cluster east");
    assert_eq!((&east["cluster"]["name"], setting(&east, "expect-brokers").0), (&json!("east"), json!("1-3")));
    assert_eq!(setting(&east, "timeout").0, json!("1s"));
    let west = host.show(&[("KRAFT_CHECK_CLUSTER", "west")], "");
    assert_eq!((&west["cluster"]["name"], setting(&west, "expect-brokers").0), (&json!("west"), json!("1")));
    assert_eq!(host.show(&[("KRAFT_CHECK_CLUSTER", "west")], "--cluster east")["cluster"]["name"], "east");
    let by_default = Host::with(&format!("default-cluster = 'west'\n{TWO}"));
    assert_eq!(by_default.show(&[], "")["cluster"]["name"], "west");
    assert_eq!(Host::with("[clusters.only]\n").show(&[], "")["cluster"]["name"], "only");
    let unknown = host.run(&[], "stage finalized --cluster eats");
    assert_eq!(unknown.code, 78);
    assert!(unknown.stdout.contains("'eats'") && unknown.stdout.contains("did you mean 'east'"), "{}", unknown.stdout);
}

#[test]
fn a_stage_needs_nothing_else_on_a_configured_host_and_its_report_names_the_cluster() {
    let host = Host::with(&TWO.replace("timeout", "default-cluster = 'east'\ntimeout"));
    let flags = "-b 127.0.0.1:1 --expect-brokers 1-3 --timeout 1s";
    let configured = host.run(&[], "stage brokers-migrated");
    let typed = Host::new().run(&[], &format!("stage brokers-migrated {flags}"));
    assert_eq!((configured.code, &configured.stdout), (3, &typed.stdout));
    assert_eq!(host.run(&[], "stage brokers-migrated -o json").json()["cluster"]["name"], "east");
    let typed = Host::new().run(&[], &format!("stage brokers-migrated {flags} -o json"));
    assert_eq!(typed.json()["cluster"]["name"], json!(null));
    assert_eq!(Host::new().run(&[("KRAFT_CHECK_BOOTSTRAP_SERVER", "127.0.0.1:1")], "stage finalized").code, 3);
}

#[test]
fn a_recording_is_judged_alike_whatever_is_configured() {
    let recording = concat!(env!("CARGO_MANIFEST_DIR"), "/protocol-fixtures/3.9.2/smallest/05-finalized.json");
    let from = format!("stage finalized --from {recording} -o json");
    let plain = Host::new().run(&[], &from);
    let host = Host::with(TWO);
    let variables = [("KRAFT_CHECK_BOOTSTRAP_CONTROLLER", "h:1"), ("KRAFT_CHECK_SNAPSHOT", "kept.json")];
    assert_eq!((plain.code, &host.run(&variables, &from).stdout), (0, &plain.stdout));
    assert!(!host.path("work/kept.json").exists());
    let variables = [("KRAFT_CHECK_BOOTSTRAP_CONTROLLER", "h:1"), ("KRAFT_CHECK_FROM", recording)];
    assert_eq!(host.run(&variables, "stage finalized -o json").stdout, plain.stdout);
    // What is typed is meant.
    assert_eq!(host.run(&[("KRAFT_CHECK_FROM", recording)], "stage finalized --cluster east -b 127.0.0.1:1").code, 3);
    assert_eq!(host.run(&[], &format!("{from} -b h:1")).code, 64);
    assert_eq!(Host::with("broken").run(&[], &from).code, 78);
}

#[test]
fn what_is_shown_sets_the_same_when_it_is_read_back() {
    let odd = r#"
bootstrap-server = ["b1:9092", "2@[::1]:9092"]
bootstrap-controller = "3001@c1:9093"
metrics = ["http://{host}:7071/m?a=\"\\b\"", "3002=http://c2/m"]
metric = 'zk-migration-state=x{what="\u0007ä"}'
expect-brokers = 7
expect-cluster-id = 'a"b\c#d'
"#;
    for origin in ["", "--origin"] {
        let host = Host::with(&format!("{odd}\n[clusters.\"o\\nd\"]\ntimeout = '2m'\n"));
        let text = host.run(&[], &format!("config show {origin} --findings all")).stdout;
        let back = Host::with(&text);
        assert_eq!(back.run(&[], &format!("config show {origin}")).code, 0, "{text}");
        let settings = |host: &Host, args: &str| {
            let shown = host.show(&[], args);
            let all = shown["settings"].as_array().expect("settings").clone();
            all.into_iter().map(|one| (one["key"].clone(), one["value"].clone())).collect::<Vec<_>>()
        };
        assert_eq!(settings(&host, "--findings all"), settings(&back, ""), "{text}");
    }
}

#[test]
fn secrets_are_hidden_in_every_form() {
    let setting = |key: &str, text: &str| Setting {
        key: key.to_owned(),
        value: Some(Value::Text(text.to_owned())),
        origin: Origin::Default,
    };
    let mut all: Vec<Setting> = ["ssl-key-password", "client-secret", "oauth-token", "sasl-jaas-config"]
        .map(|key| setting(key, "hunter2"))
        .into();
    all.push(setting("metrics", "1=http://probe:hunter2@h/m,2=http://a:hunter2/x@h/m"));
    all.push(setting("timeout", "30s"));
    let settings = Settings { cluster: None, file: None, all };
    for format in [Format::Human, Format::Json] {
        let text = render(&Document::Settings(&settings, true), format, Style::default(), &[]);
        assert!(!text.contains("hunter2") && text.contains("***"), "{text}");
        assert!(text.contains("1=http://***@h/m,2=http://***@h/m") && text.contains("30s"), "{text}");
    }
}
