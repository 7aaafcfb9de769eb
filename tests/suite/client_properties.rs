//! Client properties: what each sets, what comes of those that set nothing here, and what is said of it; which of
//! several places wins, and whether a secret is ever shown. Logins are in `logins_set`.

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::host::{Host, setting};
use crate::logins_set::{access, live};

/// A look that nobody answers, at once.
const LOOK: &str = "stage finalized -b 127.0.0.1:1 --timeout 1s";

/// A host with these client properties, for nobody else's eyes.
fn host(properties: &str) -> Host {
    let host = Host::new();
    private(&host, "client.properties", properties);
    host
}

fn private(host: &Host, name: &str, text: &str) {
    host.write(&format!("work/{name}"), text);
    set_permissions(host.path(&format!("work/{name}")), Permissions::from_mode(0o600)).expect("permissions");
}

/// The warnings of a report by these properties: ids and messages.
fn warnings(host: &Host, more: &str) -> Vec<(String, String)> {
    let report = host.run(&[], &format!("{LOOK} --command-config client.properties {more} -o json")).json();
    let warnings = report["warnings"].as_array().expect("warnings").iter();
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    warnings.map(|warning| (text(&warning["id"]), text(&warning["message"]))).collect()
}

/// What a broken file's line must say, beside its name, of a host on which it stands among others.
fn refused(host: &Host, variables: &[(&str, &str)], words: &[&str]) {
    for command in [LOOK, "config show"] {
        let ran = host.run(variables, &format!("{command} --command-config client.properties -vv"));
        assert_eq!((ran.code, ran.stdout.lines().count()), (78, 1), "{ran:?}");
        for word in words {
            assert!(ran.stdout.contains(word), "{} lacks {word:?}", ran.stdout);
        }
        assert!(!format!("{ran:?}").contains("hushhush"), "{ran:?}");
    }
}

/// A certificate authority's certificate.
fn pem() -> String {
    let key = rcgen::KeyPair::generate().expect("a key");
    rcgen::CertificateParams::new(vec!["ca.example".to_owned()])
        .and_then(|params| params.self_signed(&key))
        .expect("a certificate")
        .pem()
}

#[test]
fn is_tls_made_only_where_the_protocol_has_it() {
    let host = Host::new();
    host.write("ca.pem", pem());
    let ca = host.path("ca.pem").display().to_string();
    for (protocol, is_tls) in [
        ("PLAINTEXT", false),
        ("plaintext", false),
        ("SSL", true),
        ("ssl", true),
        ("SASL_PLAINTEXT", false),
        ("SASL_SSL", true),
    ] {
        let jaas = "sasl.mechanism=PLAIN\nsasl.jaas.config=PlainLoginModule required username=u password=hushhush;";
        let text =
            format!("security.protocol={protocol}\nssl.truststore.location={ca}\nssl.truststore.type=PEM\n{jaas}\n");
        let access = access(&host, &text).expect("properties");
        assert_eq!(access.brokers.tls.is_some(), is_tls, "{protocol}");
        assert_eq!(access.brokers.login.is_some(), protocol.starts_with("SASL"), "{protocol}");
        assert_eq!(
            access.controllers.tls.is_some(),
            is_tls,
            "the controllers' is the same without a file of their own"
        );
        assert!(!format!("{access:?}").contains("hushhush"));
    }
    // A store that is not needed is not even looked for.
    let nowhere = "security.protocol=PLAINTEXT\nssl.truststore.location=/no/such/file\n";
    assert!(access(&host, nowhere).expect("properties").brokers.tls.is_none());
    let inline = pem().trim().replace('\n', "\\n");
    let text = format!("security.protocol=SSL\nssl.truststore.type=PEM\nssl.truststore.certificates={inline}\n");
    assert!(access(&host, &text).expect("properties").brokers.tls.is_some());
}

#[test]
fn do_controllers_have_properties_of_their_own() {
    let host = Host::new();
    host.write("brokers", "security.protocol=PLAINTEXT\nclient.id=of-brokers\nbootstrap.controllers=a:1\n");
    host.write("controllers", "client.id=of-controllers\nbootstrap.controllers=c:1\nbootstrap.servers=x:1\n");
    let (brokers, controllers) =
        (host.path("brokers").display().to_string(), host.path("controllers").display().to_string());
    let asked = live(&["-b", "b:1", "--command-config", &brokers, "--controller-command-config", &controllers]);
    let asked = asked.expect("properties");
    assert_eq!(asked.access.brokers.client_id.as_deref(), Some("of-brokers"));
    assert_eq!(asked.access.controllers.client_id.as_deref(), Some("of-controllers"));
    assert_eq!(asked.plan.controllers[0].endpoint.to_string(), "c:1");
    assert_eq!(asked.plan.brokers[0].endpoint.to_string(), "b:1");
    let asked = live(&["--command-config", &brokers, "-X", "client.id=typed"]).expect("properties");
    assert_eq!(asked.access.brokers.client_id.as_deref(), Some("typed"));
    assert_eq!(asked.plan.controllers[0].endpoint.to_string(), "a:1");
}

#[test]
fn do_addresses_and_times_serve_where_no_others_are_given() {
    let host = Host::new();
    let text = "bootstrap.servers = PLAINTEXT://p:1, q:2\nrequest.timeout.ms=1500\ndefault.api.timeout.ms=45000\n\
                socket.connection.setup.timeout.ms=700\n";
    host.write("client.properties", text);
    let file = host.path("client.properties").display().to_string();
    let told = |more: &[&str]| {
        let asked = live(&[&["--command-config", &file], more].concat()).expect("properties");
        let brokers: Vec<String> = asked.plan.brokers.iter().map(|broker| broker.endpoint.to_string()).collect();
        (brokers.join(","), asked.plan.request_timeout.as_millis(), asked.timeout.as_millis())
    };
    assert_eq!(told(&[]), ("p:1,q:2".to_owned(), 1500, 45_000));
    assert_eq!(told(&["-b", "t:1", "--request-timeout", "2s", "-t", "3s"]), ("t:1".to_owned(), 2000, 3000));
    let typed = ["-X", "bootstrap.servers=x:1", "-X", "request.timeout.ms=9", "-X", "default.api.timeout.ms=8"];
    assert_eq!(told(&typed), ("x:1".to_owned(), 9, 8));
    assert_eq!(told(&[&typed[..], &["-b", "t:1"]].concat()).0, "t:1", "a flag wins over -X");
    host.write("client.properties", "bootstrap.servers=p:1\nsocket.connection.setup.timeout.ms=700\n");
    assert_eq!(told(&[]), ("p:1".to_owned(), 700, 30_000));
    // Over sockets, and with the environment between -X and the file.
    let host = self::host("bootstrap.servers=127.0.0.1:1\n");
    let asked = |variables: &[(&str, &str)], more: &str| {
        let args = format!("stage finalized --timeout 1s --command-config client.properties {more} -o json");
        host.run(variables, &args).json()["errors"][0]["message"].to_string()
    };
    assert!(asked(&[], "").contains("127.0.0.1:1:"));
    let environment = [("KRAFT_CHECK_BOOTSTRAP_SERVER", "127.0.0.1:2")];
    assert!(asked(&environment, "").contains("127.0.0.1:2:"));
    assert!(asked(&environment, "-X bootstrap.servers=127.0.0.1:3").contains("127.0.0.1:3:"));
}

/// What is refused, and what its line must say beside the file's name.
const REFUSED: &[(&str, &[&str])] = &[
    ("security.protocol=TLS", &["security.protocol", "'TLS'", "SASL_SSL"]),
    ("ssl.engine.factory.class=com.example.Engine", &["ssl.engine.factory.class", "cannot be run"]),
    ("ssl.provider=BCFIPS", &["ssl.provider", "leave it out"]),
    ("security.providers=com.example.P", &["security.providers"]),
    (
        "sasl.client.callback.handler.class=software.amazon.msk.auth.iam.IAMClientCallbackHandler",
        &["sasl.client.callback"],
    ),
    ("sasl.login.class=com.example.Login", &["sasl.login.class"]),
    (
        "config.providers=vault\nconfig.providers.vault.class=com.example.Vault",
        &["config.providers.vault.class", "FileConfig"],
    ),
    ("config.providers=vault", &["config.providers.vault.class is not given"]),
    ("request.timeout.ms=0", &["request.timeout.ms", "'0'", "milliseconds"]),
    ("default.api.timeout.ms=1m", &["default.api.timeout.ms", "'1m'"]),
    ("client.dns.lookup=first", &["client.dns.lookup", "'first'"]),
    ("client.id=a\\u0007b", &["client.id"]),
    ("a=\\u12", &["four hexadecimal digits"]),
    ("security.protocol=SSL\nssl.truststore.location=/no/hay", &["ssl.truststore.location", "/no/hay", "No such file"]),
    ("security.protocol=SSL\nssl.keystore.location=/", &["ssl.keystore.location", "Is a directory"]),
    ("security.protocol=SSL\nssl.keystore.key=hushhush", &["ssl.keystore.certificate.chain", "not given"]),
    ("security.protocol=SSL\nssl.truststore.certificates=hushhush", &["ssl.truststore.certificates", "-----BEGIN"]),
    ("security.protocol=SSL\nssl.protocol=TLSv1", &["ssl.protocol", "'TLSv1'", "TLSv1.3"]),
    ("security.protocol=SSL\nssl.protocol=TLSv1.2\nssl.enabled.protocols=TLSv1.3", &["ssl.enabled.protocols", "left"]),
    (
        "security.protocol=SSL\nssl.endpoint.identification.algorithm=none",
        &["identification.algorithm", "'none'", "https"],
    ),
    ("ssl.key.password=${file:/no/hay:key}", &["ssl.key.password", "/no/hay", "No such file"]),
    ("ssl.key.password=${env:NO_HAY}", &["ssl.key.password", "NO_HAY"]),
    ("ssl.key.password=${hushhush:x}", &["ssl.key.password", "not declared"]),
    ("ssl.key.password=${directory:/etc:../passwd}", &["ssl.key.password", "no file's name"]),
];

#[test]
fn is_each_thing_that_cannot_be_done_one_clear_line_with_78() {
    for (text, words) in REFUSED {
        refused(&host(text), &[], &[*words, &["client.properties"]].concat());
    }
    let host = self::host("bootstrap.servers=broker");
    let ran = host.run(&[], "config show --command-config client.properties");
    assert!(
        ran.code == 78 && ran.stdout.contains("client.properties: bootstrap.servers: 'broker' has no port"),
        "{ran:?}"
    );
    let host = Host::new();
    refused(&host, &[], &["client.properties", "cannot be read", "No such file"]);
    host.write("work/client.properties", "#".repeat(2 * 1024 * 1024));
    refused(&host, &[], &["client.properties", "1048576"]);
    host.write("work/client.properties", "security.protocol=SSL\nssl.truststore.location=store");
    host.write("work/store", "garbage, and the password is hushhush");
    refused(&host, &[], &["ssl.truststore.location", "store"]);
}

#[test]
fn is_what_does_not_matter_passed_over_and_said_only_where_it_is_asked_for() {
    let host =
        host("acks=all\ngroup.id=g\ncom.example.thing=hushhush\nssl.trustmanager.algorithm=PKIX\nsasl.kerberos.x=y\n");
    let run = |more: &str| host.run(&[], &format!("{LOOK} --command-config client.properties {more}"));
    assert_eq!((run("").code, run("").stderr.as_str(), run("-v").stderr.as_str()), (3, "", ""));
    let twice = run("-vv");
    let line = "kraft-check: client.properties: ignored: acks, com.example.thing, group.id, sasl.kerberos.x, \
                ssl.trustmanager.algorithm\n";
    assert_eq!(twice.stderr, line);
    // How long each look took differs, and nothing else may.
    let untimed = |text: &str| text.lines().filter(|line| !line.starts_with("  took ")).map(str::to_owned).collect();
    let [once, twice]: [Vec<_>; 2] = [untimed(&run("-v").stdout), untimed(&twice.stdout)];
    assert!(once.len() > 2 && once == twice, "{once:?} {twice:?}");
    assert_eq!(warnings(&host, ""), []);
}

#[test]
fn is_what_is_nearly_a_key_warned_of_in_the_report() {
    for (text, key, meant) in [
        ("securty.protocol=SSL", "securty.protocol", "'security.protocol'"),
        ("ssl.truststore.locaton=x", "ssl.truststore.locaton", "'ssl.truststore.location'"),
        ("ssl_keystore_location=x", "ssl_keystore_location", "'ssl.keystore.location'"),
        ("sasl.mechanisms=PLAIN", "sasl.mechanisms", "sasl.mechanism"),
        ("ssl.ca.location=x", "ssl.ca.location", "ssl.truststore.location"),
        ("sasl.password=${env:X}", "sasl.password", "sasl.jaas.config"),
    ] {
        let all = warnings(&host(&format!("security.protocol=PLAINTEXT\n{text}\n")), "");
        let [(id, message)] = all.as_slice() else { panic!("{text}: {all:?}") };
        assert_eq!(id, "property-near-miss", "{text}");
        assert!(message.contains(key) && message.contains(meant) && message.contains("client.properties"), "{message}");
    }
}

#[test]
fn is_what_is_not_done_as_it_is_written_warned_of() {
    let ids = |text: &str| warnings(&host(text), "").into_iter().map(|(id, _)| id).collect::<Vec<_>>();
    // A truststore of its own: not every host has roots.
    let inline = pem().trim().replace('\n', "\\n");
    let unverified = format!(
        "security.protocol=SSL\nssl.truststore.type=PEM\nssl.truststore.certificates={inline}\n\
                              ssl.endpoint.identification.algorithm=\n"
    );
    let unverified = unverified.as_str();
    assert_eq!(ids(unverified), ["hostname-not-verified"]);
    // Nobody's name is verified without TLS.
    assert_eq!(ids("security.protocol=PLAINTEXT\nssl.endpoint.identification.algorithm=\n"), [""; 0]);
    assert_eq!(ids("ssl.truststore.location=x\n"), ["property-not-heeded"], "security.protocol is forgotten");
    assert_eq!(ids("client.dns.lookup=resolve_canonical_bootstrap_servers_only"), ["property-not-heeded"]);
    // A wait and `status` say so as well.
    let host = host(unverified);
    for command in ["status -b 127.0.0.1:1 --timeout 1s", "wait finalized -b 127.0.0.1:1 --timeout 2s --interval 1s -q"]
    {
        let ran = host.run(&[], &format!("{command} --command-config client.properties -o json=out.json"));
        let written = std::fs::read_to_string(host.path("work/out.json")).expect("a document");
        assert!(written.contains("hostname-not-verified"), "{ran:?} {written}");
    }
}

#[test]
fn is_a_file_with_a_secret_in_it_that_others_can_read_warned_of() {
    let secret = "security.protocol=PLAINTEXT\nssl.key.password=hushhush\n";
    let open = |host: &Host| {
        let file = host.path("work/client.properties");
        set_permissions(file, Permissions::from_mode(0o640)).expect("permissions");
    };
    let host = self::host(secret);
    assert_eq!(warnings(&host, ""), []);
    open(&host);
    let [(id, message)] = &warnings(&host, "")[..] else { panic!("one warning") };
    assert_eq!(id, "secret-file-readable");
    assert!(message.contains("ssl.key.password") && message.contains("chmod 600") && !message.contains("hushhush"));
    private(&host, "pw", "key=hushhush");
    private(&host, "client.properties", "security.protocol=PLAINTEXT\nssl.key.password=${file:pw:key}\n");
    open(&host);
    assert_eq!(warnings(&host, ""), []);
}

#[test]
fn do_references_lead_to_files_variables_and_folders() {
    let host = Host::new();
    private(&host, "secrets.properties", "id=from-file\n");
    private(&host, "run/id", "from-folder\n");
    let id = |text: &str, variables: &[(&str, &str)], words: &str| {
        // What a reference leads to is shown only where it is refused as an address: nobody else shows anything.
        private(&host, "client.properties", &text.replace("KEY", "bootstrap.servers"));
        let ran = host.run(variables, "config show --command-config client.properties");
        assert!(ran.code == 78 && ran.stdout.contains(words), "{text}: {ran:?}");
    };
    id("KEY=${file:secrets.properties:id}", &[], "'from-file' has no port");
    id("KEY=a${file:secrets.properties:id}b", &[], "'afrom-fileb' has no port");
    id("KEY=${directory:run:id}", &[], "'from-folder' has no port");
    id("KEY=${env:ID}", &[("ID", "from-variable")], "'from-variable' has no port");
    id("KEY=${env:ID}", &[("ID", "${env:ID}")], "'${env:ID}' has no port");
    id("KEY=${nothing}", &[], "'${nothing}' has no port");
    id("KEY=${file:secrets.properties:no}", &[], "secrets.properties, to which it refers, has no key 'no'");
    let own =
        "config.providers=x\nconfig.providers.x.class=org.apache.kafka.common.config.provider.EnvVarConfigProvider\n";
    id(&format!("{own}KEY=${{x:ID}}"), &[("ID", "by-alias")], "'by-alias' has no port");
    // Credentials of systemd come first, for relative paths alone.
    host.write("credentials/secrets.properties", "id=from-systemd");
    let credentials = host.path("credentials").display().to_string();
    id("KEY=${file:secrets.properties:id}", &[("CREDENTIALS_DIRECTORY", &credentials)], "'from-systemd'");
    let absolute = host.path("work/secrets.properties").display().to_string();
    id(&format!("KEY=${{file:{absolute}:id}}"), &[("CREDENTIALS_DIRECTORY", &credentials)], "'from-file'");
}

#[test]
fn is_no_secret_taken_from_a_command_line() {
    for key in [
        "ssl.key.password",
        "sasl.jaas.config",
        "ssl.keystore.key",
        "bearer.auth.token",
        "client.secret",
        "SSL.KEY.PASSWORD",
    ] {
        let host = Host::new();
        let pair = format!("{key}=hushhush");
        for (variables, args, code) in [
            (vec![], format!("{LOOK} -X {pair}"), 64),
            (vec![], format!("config show --property={pair} -o json"), 64),
            (vec![("KRAFT_CHECK_PROPERTY", pair.as_str())], LOOK.to_owned(), 64),
        ] {
            let ran = host.run(&variables, &args);
            assert_eq!((ran.code, ran.stderr.as_str(), ran.stdout.lines().count()), (code, "", 1), "{ran:?}");
            assert!(ran.stdout.contains(key) && ran.stdout.contains("${file:PATH:KEY}"), "{ran:?}");
            assert!(!ran.stdout.contains("hushhush"), "{ran:?}");
        }
        let host = Host::with(&format!("property = '{pair}'\n"));
        let ran = host.run(&[], LOOK);
        assert!(ran.code == 78 && !ran.stdout.contains("hushhush"), "{ran:?}");
    }
    let host = Host::new();
    private(&host, "pw", "key=hushhush");
    assert_eq!(
        host.run(&[], &format!("{LOOK} -X ssl.key.password=${{file:pw:key}}")).code,
        3,
        "a reference is no secret"
    );
    for broken in ["x", "=x", " =x"] {
        assert_eq!(host.run(&[("KRAFT_CHECK_PROPERTY", broken)], LOOK).code, 64, "{broken}");
    }
}

#[test]
fn is_shown_which_files_and_properties_were_given_and_never_what_is_in_them() {
    let host = host("security.protocol=PLAINTEXT\nssl.key.password=hushhush\nbearer.auth.token=hushhush\n");
    let flags = "--command-config client.properties --metrics-config client.properties -X client.id=me -X acks=all";
    let shown = host.show(&[], flags);
    assert_eq!(setting(&shown, "command-config"), (json!("client.properties"), "flag".to_owned()));
    assert_eq!(setting(&shown, "property"), (json!(["client.id=me", "acks=all"]), "flag".to_owned()));
    assert!(!shown.to_string().contains("hushhush"));
    let human = host.run(&[], &format!("config show --origin {flags} -vv"));
    assert!(human.stdout.contains("property = [\"client.id=me\", \"acks=all\"] # flag"), "{human:?}");
    assert!(!format!("{human:?}").contains("hushhush"), "{human:?}");
    for flag in ["--command-config=x", "--controller-command-config=x", "--metrics-config=x", "-Xa=b"] {
        let ran = host.run(&[], &format!("stage finalized --from x {flag}"));
        assert!(ran.code == 64 && ran.stdout.contains("cannot be used with"), "{ran:?}");
    }
}

#[test]
fn do_pages_have_stores_and_credentials_of_their_own() {
    let host = Host::new();
    let pages = |text: &str| {
        host.write("pages", text);
        let asked = live(&["-b", "b:1", "--metrics-config", &host.path("pages").display().to_string()]);
        asked.map(|asked| asked.access.pages)
    };
    let authorization = |text: &str| {
        let pages = pages(text).expect("properties");
        assert!(!format!("{pages:?}").contains("hushhush"));
        pages.authorization.map(|header| header.expose().to_owned())
    };
    assert_eq!(authorization("basic.auth.user.info=u:hushhush").as_deref(), Some("Basic dTpodXNoaHVzaA=="));
    assert_eq!(authorization("bearer.auth.token=hushhush.x").as_deref(), Some("Bearer hushhush.x"));
    assert_eq!(authorization("acks=all"), None);
    assert!(pages("acks=all").expect("properties").tls.is_none());
    host.write("ca.pem", pem());
    let store = format!("ssl.truststore.type=PEM\nssl.truststore.location={}", host.path("ca.pem").display());
    assert!(pages(&store).expect("properties").tls.is_some());
    for (text, words) in [
        ("basic.auth.user.info=hushhush", "USER:PASSWORD"),
        ("bearer.auth.token=hush hush", "blanks"),
        ("bearer.auth.token=hushhush\nbasic.auth.user.info=u:hushhush", "given as well"),
        ("ssl.keystore.location=/no/hay", "/no/hay"),
    ] {
        let why = pages(text).expect_err("refused");
        assert!(why.contains(words) && why.contains("pages: ") && !why.contains("hushhush"), "{why}");
    }
}
