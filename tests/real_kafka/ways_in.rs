//! Every way into a secured cluster, by files that Kafka's own client takes as well; and every refusal, seen for what it is.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::Value;

use crate::cluster::{Cluster, SMALLEST, Shape};
use crate::distribution::Distribution;
use crate::security::certificates::Form;
use crate::security::clients::Client;
use crate::verdicts::{controllers, run};
use crate::{KAFKA, tools};

#[test]
fn every_way_in_and_every_refusal() {
    let kafka = Distribution::fetch(KAFKA);
    let mut cluster = Cluster::start(&kafka, Shape { secured: true, ..SMALLEST });
    let mut wrong = Vec::new();
    for (name, address, client) in ways_in(&cluster) {
        let file = client.written(cluster.folder(), name);
        // The same file is what Kafka's own client takes it for.
        let theirs = tools::asks_by(&kafka, &cluster, address, &file);
        theirs.finish(tools::LIMIT).unwrap_or_else(|error| panic!("{name}: {error}\n{}", tools::log(&cluster)));
        for server in [address.to_string(), format!("1@{address}")] {
            let document = ask_broker(&server, &file);
            println!("{name} at {server}: {} {}", document["verdict"], document["errors"]);
            if document["verdict"] != "not_yet" || document["errors"] != Value::Array(Vec::new()) {
                wrong.push(format!("{name} at {server}\n{document:#}"));
            }
        }
    }
    for refusal in rejected_logins(&cluster).into_iter().chain(broken_handshakes(&cluster)) {
        let file = refusal.client.written(cluster.folder(), refusal.name);
        wrong.extend(refusal.misjudged_by_broker(&file));
    }
    cluster.provision_controllers();
    for refusal in controllers_refusals(&cluster) {
        let file = refusal.client.written(cluster.folder(), refusal.name);
        wrong.extend(refusal.misjudged_by_controllers(&cluster, &file));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Files by which everything is seen of one broker, and where.
fn ways_in(cluster: &Cluster) -> [(&'static str, SocketAddr, Client); 10] {
    let (main, mtls, doors) = (cluster.own_address(1), cluster.second_endpoint(1), cluster.doors(1));
    let certificates = cluster.certificates();
    let sasl = |form| Client::of("SASL_SSL").trusting(certificates, form);
    let owner = |form| Client::of("SSL").trusting(certificates, form).showing(certificates, "probe", form);
    [
        ("scram-256-jks", main, sasl(Form::Jks).by_password("SCRAM-SHA-256", "probe")),
        ("scram-512-pkcs12", main, sasl(Form::Pkcs12).by_password("SCRAM-SHA-512", "probe")),
        ("plain-pem", main, sasl(Form::Pem).by_password("PLAIN", "probe")),
        ("oauthbearer", main, sasl(Form::Pem).by_unsecured_token("probe")),
        ("plain-without-tls", doors.login, Client::of("SASL_PLAINTEXT").by_password("PLAIN", "probe")),
        ("certificate-jks", mtls, owner(Form::Jks)),
        ("certificate-pkcs12", mtls, owner(Form::Pkcs12)),
        ("certificate-pem", mtls, owner(Form::Pem)),
        ("of-any-host", doors.elsewhere, Client::of("SSL").trusting(certificates, Form::Pem).of_any_host()),
        ("plaintext", doors.harness, Client::of("PLAINTEXT")),
    ]
}

/// A way that does not lead in, and what must be said of it.
struct Refusal {
    name: &'static str,
    address: SocketAddr,
    client: Client,
    /// The kind of refusal.
    id: &'static str,
    /// Some of the words, those of the listener where it says any.
    words: &'static str,
    /// How it ends when nobody can say whose address it is, and when its id was given.
    codes: (i32, i32),
}

impl Refusal {
    /// What is wrongly said when this broker is asked.
    fn misjudged_by_broker(&self, file: &Path) -> Vec<String> {
        let (by_address, by_id) = self.codes;
        let asked = [(self.address.to_string(), by_address), (format!("1@{}", self.address), by_id)];
        asked.into_iter().filter_map(|(server, code)| self.wrong(&server, code, &ask_broker(&server, file))).collect()
    }

    /// What is wrongly said when the controllers are asked, whose ids were given.
    fn misjudged_by_controllers(&self, cluster: &Cluster, file: &Path) -> Option<String> {
        let mut flags = controllers(cluster);
        flags.extend(["--controller-command-config".to_owned(), file.display().to_string()]);
        self.wrong("controllers", self.codes.1, &run(&["stage", "quorum-provisioned"], &flags))
    }

    fn wrong(&self, server: &str, code: i32, document: &Value) -> Option<String> {
        let errors = document["errors"].as_array().expect("a list").iter();
        let told: Vec<_> = errors.map(|it| (it["id"].as_str(), it["message"].as_str().unwrap_or("?"))).collect();
        let as_wanted = told.iter().any(|(id, message)| *id == Some(self.id) && message.contains(self.words));
        println!("{} at {server}: {} {told:?}", self.name, document["exit_code"]);
        let right = as_wanted && document["exit_code"] == code;
        (!right).then(|| format!("{} at {server}: not {code} {} {:?}\n{document:#}", self.name, self.id, self.words))
    }
}

/// A rejected login decides; but that a broker is on ZooKeeper everybody hears before he logs in, and that decides first.
const LOGIN: (i32, i32) = (77, 1);
/// The same of one that nobody rejects.
const NO_LOGIN: (i32, i32) = (3, 1);
/// Of a listener that turns away who has no certificate of use, nothing is heard.
const TURNED_AWAY: (i32, i32) = (77, 77);
/// What went wrong is nobody's right, and may pass.
const TLS: (i32, i32) = (3, 3);

const WRONG_BY_PLAIN: &str = "Invalid username or password";
const WRONG_BY_SCRAM: &str = "invalid credentials with SASL mechanism SCRAM-SHA-512";

/// Logins that a broker does not take, by the words with which it says so.
fn rejected_logins(cluster: &Cluster) -> Vec<Refusal> {
    let (main, mtls, doors) = (cluster.own_address(1), cluster.second_endpoint(1), cluster.doors(1));
    let certificates = cluster.certificates();
    let tls = || Client::of("SSL").trusting(certificates, Form::Pem);
    let sasl = || Client::of("SASL_SSL").trusting(certificates, Form::Jks);
    let bare = || Client::of("SASL_PLAINTEXT");
    let with = |user, mechanism| sasl().login(mechanism, user, "not-hushhush");
    let shown = Client::of("SASL_SSL").trusting(certificates, Form::Pem).showing(certificates, "probe", Form::Jks);
    let of = |codes| move |name, address, client, id, words| Refusal { name, address, client, id, words, codes };
    let (rejected, unknown) = (of(LOGIN), of(NO_LOGIN));
    vec![
        rejected("wrong-plain", main, with("probe", "PLAIN"), "sasl-failed", WRONG_BY_PLAIN),
        rejected("wrong-scram", main, with("probe", "SCRAM-SHA-512"), "sasl-failed", WRONG_BY_SCRAM),
        rejected("unknown-user", main, with("ghost", "SCRAM-SHA-512"), "sasl-failed", WRONG_BY_SCRAM),
        rejected("not-enabled", doors.login, bare().by_password("SCRAM-SHA-512", "probe"), "sasl-mechanism", "PLAIN"),
        rejected("no-login", main, tls(), "sasl-expected", "SCRAM-SHA-512"),
        rejected("no-login-without-tls", doors.login, Client::of("PLAINTEXT"), "sasl-expected", "PLAIN"),
        unknown("login-at-plaintext", doors.harness, bare().by_password("PLAIN", "probe"), "sasl-not-spoken", ""),
        unknown("login-at-ssl", mtls, shown.by_password("PLAIN", "probe"), "sasl-not-spoken", ""),
    ]
}

/// Handshakes that come to nothing, on either side.
fn broken_handshakes(cluster: &Cluster) -> Vec<Refusal> {
    let (main, mtls, doors) = (cluster.own_address(1), cluster.second_endpoint(1), cluster.doors(1));
    let certificates = cluster.certificates();
    let tls = || Client::of("SSL").trusting(certificates, Form::Pem);
    let shown = |owner, form| tls().showing(certificates, owner, form);
    let foreign = Client::of("SASL_SSL").trusting_foreigners(certificates).by_password("PLAIN", "probe");
    let bare = Client::of("SASL_PLAINTEXT").by_password("PLAIN", "probe");
    let of = |codes| move |name, address, client, id, words| Refusal { name, address, client, id, words, codes };
    let (ours, theirs) = (of(TLS), of(TURNED_AWAY));
    vec![
        ours("expired", doors.expired, tls(), "tls-expired", "2021-01-01"),
        ours("other-host", doors.elsewhere, tls(), "tls-wrong-hostname", "elsewhere.example"),
        ours("foreign-authority", main, foreign, "tls-unknown-issuer", "CN=ca"),
        ours("plaintext-at-tls", main, Client::of("PLAINTEXT"), "tls-expected", ""),
        ours("login-without-tls", main, bare, "tls-expected", ""),
        ours("tls-at-plaintext", doors.harness, tls(), "tls-not-spoken", ""),
        theirs("no-certificate", mtls, tls(), "tls-client-refused", "bad_certificate"),
        theirs("foreign-certificate", mtls, shown("stranger", Form::Pem), "tls-client-refused", "certificate_unknown"),
        theirs(
            "expired-certificate",
            mtls,
            shown("expired", Form::Pkcs12),
            "tls-client-refused",
            "certificate_unknown",
        ),
    ]
}

/// The listeners of controllers refuse as those of brokers do; but nobody needs to hear what a controller is.
fn controllers_refusals(cluster: &Cluster) -> Vec<Refusal> {
    let sasl = || Client::of("SASL_SSL").trusting(cluster.certificates(), Form::Pkcs12);
    let tls = Client::of("SSL").trusting(cluster.certificates(), Form::Pem);
    let address = cluster.own_address(3001);
    let of = |codes| move |name, client, id, words| Refusal { name, address, client, id, words, codes };
    let (rejected, ours) = (of(TURNED_AWAY), of(TLS));
    let wrong = sasl().login("PLAIN", "admin", "not-hushhush");
    vec![
        rejected("controllers-wrong-plain", wrong, "sasl-failed", WRONG_BY_PLAIN),
        // A user of ZooKeeper's is none of theirs before the copy.
        rejected("not-copied-yet", sasl().by_password("SCRAM-SHA-512", "probe"), "sasl-failed", WRONG_BY_SCRAM),
        rejected("controllers-not-enabled", sasl().by_password("SCRAM-SHA-256", "admin"), "sasl-mechanism", "PLAIN"),
        rejected("controllers-no-login", tls, "sasl-expected", "SCRAM-SHA-512"),
        ours("controllers-plaintext", Client::of("PLAINTEXT"), "tls-expected", ""),
    ]
}

/// Asks one broker about a stage that rests on it.
fn ask_broker(server: &str, file: &Path) -> Value {
    let flags = ["-b", server, "--expect-brokers", "1", "--command-config", &file.display().to_string()];
    run(&["stage", "brokers-in-migration"], &flags.map(str::to_owned))
}
