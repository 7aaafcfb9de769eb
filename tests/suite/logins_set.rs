//! Logins as files of properties set them: who logs in by which mechanism, and whose login is refused in which words.

use std::ffi::OsString;
use std::time::Duration;

use kraft_check::cli::Command;
use kraft_check::config::{Notices, Observed, resolve, settle};
use kraft_check::observe::Plan;
use kraft_check::security::Access;
use kraft_check::snapshot::Depth;

use crate::host::Host;

/// What is to be asked, and how.
pub(crate) struct Asked {
    pub(crate) plan: Plan,
    pub(crate) timeout: Duration,
    pub(crate) access: Access,
    pub(crate) notices: Notices,
}

/// What these arguments of a look come to; otherwise the refusal's line.
pub(crate) fn live(args: &[&str]) -> Result<Asked, String> {
    let args: Vec<OsString> = ["kraft-check", "status"].iter().chain(args).map(OsString::from).collect();
    let (cli, settings) = settle(&args).expect("a command line");
    let settings = settings.map_err(|refusal| refusal.message)?;
    let Command::Status(look) = &cli.command else { panic!("another command") };
    let request = resolve(look, Depth::Stage, &settings).map_err(|refusal| refusal.message)?;
    let Observed::Live { plan, timeout, access, notices, .. } = request.subject else { panic!("a recording") };
    Ok(Asked { plan, timeout, access, notices })
}

/// How everybody is spoken to by these client properties.
pub(crate) fn access(host: &Host, properties: &str) -> Result<Access, String> {
    host.write("client.properties", properties);
    let file = host.path("client.properties").display().to_string();
    live(&["-b", "b:1", "--command-config", &file]).map(|asked| {
        assert!(!format!("{:?}", asked.notices).contains("hushhush"));
        asked.access
    })
}

/// The mechanism and the user of the login that these properties set.
fn login(properties: &str) -> Result<(String, Option<String>), String> {
    let access = access(&Host::new(), &format!("security.protocol=SASL_PLAINTEXT\n{properties}\n"))?;
    assert!(!format!("{access:?}").contains("hushhush"), "{access:?}");
    let login = access.brokers.login.expect("a login");
    Ok((login.mechanism().to_owned(), login.user().map(ToOwned::to_owned)))
}

const KAFKA: &str = "org.apache.kafka.common.security";

#[test]
fn who_logs_in_by_which_mechanism() {
    let plain = |jaas: &str| login(&format!("sasl.mechanism=PLAIN\nsasl.jaas.config={jaas}"));
    let by = |mechanism: &str, user: &str| Ok((mechanism.to_owned(), Some(user.to_owned())));
    let own = format!("{KAFKA}.plain.PlainLoginModule");
    assert_eq!(plain(&format!("{own} required username=\"alice\" password=\"hushhush\";")), by("PLAIN", "alice"));
    for jaas in [
        "PlainLoginModule REQUIRED username=alice password=hushhush ;",
        "shaded.org.apache.kafka.x.PlainLoginModule optional \\\n  password='hushhush'\\\n  username='alice';",
        "PlainLoginModule sufficient /* who */ username=\"alice\" password=\"hushhush;=\\\\\"\" user_bob=\"hushhush\";",
        "PlainLoginModule requisite username=\"\\\\141lice\" password=\"hushhush\";",
    ] {
        assert_eq!(plain(jaas), by("PLAIN", "alice"), "{jaas}");
    }
    for mechanism in ["SCRAM-SHA-256", "SCRAM-SHA-512"] {
        let jaas = format!("{KAFKA}.scram.ScramLoginModule required username=\"b,o=b\" password=\"hushhush\";");
        assert_eq!(login(&format!("sasl.mechanism={mechanism}\nsasl.jaas.config={jaas}")), by(mechanism, "b,o=b"));
    }
}

#[test]
fn where_do_tokens_come_from() {
    let bearer = |options: &str, more: &str| {
        let jaas = format!("{KAFKA}.oauthbearer.OAuthBearerLoginModule required {options};");
        login(&format!("sasl.mechanism=OAUTHBEARER\nsasl.jaas.config={jaas}\n{more}"))
    };
    let taken = Ok(("OAUTHBEARER".to_owned(), None));
    let url = "sasl.oauthbearer.token.endpoint.url";
    let client = "clientId=\"me\" clientSecret=\"hushhush\"";
    assert_eq!(bearer(&format!("{client} scope=\"x\""), &format!("{url}=http://t.example/token")), taken);
    assert_eq!(bearer("extension_logicalCluster=\"lkc\"", &format!("{url}=file:///run/token")), taken);
    let claims =
        "unsecuredLoginStringClaim_sub=\"a\" unsecuredLoginNumberClaim_n=\"1.5\" unsecuredLoginListClaim_l=\",a,b\"";
    assert_eq!(bearer(claims, ""), taken);
    let of_kafka_4 = "sasl.oauthbearer.client.credentials.client.id=me\n\
                      sasl.oauthbearer.client.credentials.client.secret=hushhush";
    assert_eq!(bearer("", &format!("{url}=http://t.example/token\n{of_kafka_4}")), taken);
    let handler = "sasl.login.callback.handler.class";
    let own = format!("{handler}={KAFKA}.oauthbearer.secured.OAuthBearerLoginCallbackHandler");
    assert_eq!(bearer(client, &format!("{url}=http://t.example/token\n{own}")), taken);
    let refused = |options: &str, more: &str, words: &str| {
        let why = bearer(options, more).expect_err("refused");
        assert!(why.contains(words) && !why.contains("hushhush"), "{why}");
    };
    refused("", "", "so there is no token");
    refused("", &format!("{url}=http://t.example/token"), "needs the option clientId");
    refused("clientId=\"me\"", &format!("{url}=http://t.example/token"), "needs the option clientSecret");
    refused(client, &format!("{url}=http://me:hushhush@t.example/"), "user or password");
    refused(client, &format!("{url}=ftp://t.example/"), "'ftp' is not spoken");
    refused(client, &format!("{url}=hushhush"), "not a URL");
    refused("", &format!("{url}=file://elsewhere/token"), "file:///PATH");
    refused("unsecuredLoginNumberClaim_n=\"hushhush\"", "", "n is not a number");
    refused(client, &format!("{handler}=com.example.Handler"), "com.example.Handler");
}

/// What comes behind `sasl.`, and what its line must say.
const REFUSED: &[(&str, &[&str])] = &[
    ("", &["sasl.mechanism: not given", "GSSAPI", "not supported", "SCRAM-SHA-512"]),
    ("mechanism=GSSAPI", &["sasl.mechanism: GSSAPI", "Kerberos"]),
    ("mechanism=AWS_MSK_IAM", &["AWS_MSK_IAM", "not supported"]),
    ("mechanism=plain", &["'plain' is not known", "PLAIN"]),
    ("mechanism=PLAIN", &["sasl.jaas.config: not given"]),
    (
        "mechanism=PLAIN\nsasl.jaas.config=com.sun.security.auth.module.Krb5LoginModule required;",
        &["Krb5LoginModule", "Kerberos"],
    ),
    (
        "mechanism=PLAIN\nsasl.jaas.config=ScramLoginModule required username=u password=hushhush;",
        &["ScramLoginModule is not", "PLAIN"],
    ),
    ("mechanism=PLAIN\nsasl.jaas.config=PlainLoginModule required password=hushhush;", &["needs the option username"]),
    ("mechanism=PLAIN\nsasl.jaas.config=PlainLoginModule required username=u password=\"\";", &["the option password"]),
    ("mechanism=PLAIN\nsasl.jaas.config=PlainLoginModule required username=u password=hushhush", &["; is missing"]),
    (
        "mechanism=PLAIN\nsasl.jaas.config=PlainLoginModule required username=u password=\"hushhush;",
        &["quotation mark"],
    ),
    ("mechanism=PLAIN\nsasl.jaas.config=PlainLoginModule username=u password=hushhush;", &["required"]),
    ("mechanism=PLAIN\nsasl.jaas.config=PlainLoginModule required username u;", &["= belongs"]),
    ("mechanism=PLAIN\nsasl.jaas.config=PlainLoginModule required password=hushhush==;", &["in quotes"]),
    ("mechanism=PLAIN\nsasl.jaas.config=PlainLoginModule required; Other required;", &["only one login module"]),
    ("mechanism=PLAIN\nsasl.jaas.config=", &["not given"]),
    (
        "mechanism=SCRAM-SHA-256\nsasl.jaas.config=ScramLoginModule required username=u password=hushhush tokenauth=true;",
        &["tokenauth", "delegation token"],
    ),
];

#[test]
fn is_each_login_that_cannot_be_one_clear_line() {
    for (text, words) in REFUSED {
        let why = login(&format!("sasl.{text}")).expect_err(text);
        for word in words.iter().chain(&["client.properties: "]) {
            assert!(why.contains(word), "{why} lacks {word:?}");
        }
        assert!(!why.contains("hushhush") && why.lines().count() == 1, "{why}");
    }
}

#[test]
fn is_the_jaas_file_of_a_jvm_read_where_nothing_else_tells_who_logs_in() {
    let host = Host::new();
    host.write("work/client.properties", "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\n");
    let run = |jaas: &str, options: &str| {
        host.write("work/jaas.conf", jaas);
        let args = "stage finalized -b 127.0.0.1:1 --timeout 1s --command-config client.properties -v";
        let ran = host.run(&[("KAFKA_OPTS", options)], args);
        assert!(!format!("{ran:?}").contains("hushhush"), "{ran:?}");
        ran
    };
    let jaas = "KafkaServer { org.x.Other required; };\n// ours\nKafkaClient {\n  PlainLoginModule required\n  \
                username=\"alice\"\n  password=\"hushhush\";\n};\n";
    let taken = run(jaas, "-Xmx1g -Djava.security.auth.login.config=jaas.conf -Dx=y");
    assert_eq!(taken.code, 3, "{taken:?}");
    assert!(taken.stderr.contains("KafkaClient in jaas.conf, by KAFKA_OPTS"), "{taken:?}");
    assert!(
        taken.stdout.contains("secret-file-readable") || taken.stdout.contains("jaas.conf: others can read"),
        "{taken:?}"
    );
    for (jaas, options, words) in [
        (jaas, "-Xmx1g", "sasl.jaas.config: not given, so nobody"),
        (jaas, "-Djava.security.auth.login.config=no.conf", "no.conf, which KAFKA_OPTS names: No such file"),
        ("KafkaServer { X required; };", "-Djava.security.auth.login.config=jaas.conf", "no section KafkaClient"),
        ("KafkaClient { X required; Y required; };", "-Djava.security.auth.login.config=jaas.conf", "one login module"),
        (
            "KafkaClient { PlainLoginModule required username=\"${u}\"; };",
            "-Djava.security.auth.login.config==jaas.conf",
            "JVM",
        ),
        ("KafkaClient { PlainLoginModule", "-Djava.security.auth.login.config=jaas.conf", "required"),
    ] {
        let ran = run(jaas, options);
        assert!(ran.code == 78 && ran.stdout.contains(words), "{words}: {ran:?}");
    }
}
