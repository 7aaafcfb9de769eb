//! Secured clusters: every verdict of a whole migration, whoever asks; every way in; and every refusal seen for what it is.
//!
//! The tables say what the rights of each must let him see. Where nodes listen, and who has which rights, is in `security`.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::Value;

use crate::cluster::{Cluster, SMALLEST, Shape};
use crate::distribution::Distribution;
use crate::node::{BrokerMode, ControllerMode};
use crate::security::certificates::Form;
use crate::security::clients::Client;
use crate::verdicts::V::{Huh, No, Ok, Refused};
use crate::verdicts::{Expected, V, Walk, controllers, run, whole};
use crate::{KAFKA, MIGRATION, POST_MIGRATION, tools};

/// Those who ask, in the order in which they ask in every phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    /// May do everything. Logs in by SCRAM everywhere.
    Admin,
    /// Has the least rights that the tool needs. Logs in by SCRAM at brokers and by PLAIN at controllers.
    Probe,
    /// The same, by its certificate.
    Owner,
    /// Has no right at all.
    Nobody,
}

const EVERYBODY: [(Who, &str); 4] =
    [(Who::Admin, "admin"), (Who::Probe, "probe"), (Who::Owner, "probe by certificate"), (Who::Nobody, "nobody")];

/// What a phase must be for one of them.
const fn seen(phase: &'static str, verdicts: [V; 4], why: &'static str) -> Expected {
    Expected { phase, verdicts, why }
}

const ALIKE: &str = "probe sees what everybody with rights sees";
const NO_RULES: &str = "before the copy no rule is known to the controllers, so they tell only super.users who leads";
const NOT_TOLD: &str = "he is told what each node is, and not who leads";

const EVERY_PHASE: &[Expected] = &[
    seen("pure ZooKeeper, admin", [Huh, No, No, No], "nobody answers at the controllers' addresses"),
    seen("pure ZooKeeper, probe", [Huh, No, No, No], ALIKE),
    seen("pure ZooKeeper, probe by certificate", [Huh, No, No, No], ALIKE),
    seen("pure ZooKeeper, nobody", [Huh, No, No, No], "what a broker is stands in what it serves, for everybody"),
    seen("controllers up, admin", [Ok, No, No, No], "the quorum stands and no broker has begun"),
    seen("controllers up, probe", [Huh, No, No, No], NO_RULES),
    seen("controllers up, probe by certificate", [Huh, No, No, No], NO_RULES),
    seen("controllers up, nobody", [Huh, No, No, No], NO_RULES),
    seen("one broker flagged, admin", [Ok, No, No, No], "the other has not begun"),
    seen("one broker flagged, probe", [Huh, No, No, No], NO_RULES),
    seen("one broker flagged, probe by certificate", [Huh, No, No, No], NO_RULES),
    seen("one broker flagged, nobody", [Huh, No, No, No], NO_RULES),
    seen("all in migration mode, admin", [Ok, Ok, No, No], "the metadata is copied, and with it users and rules"),
    seen("all in migration mode, probe", [Ok, Ok, No, No], ALIKE),
    seen("all in migration mode, probe by certificate", [Ok, Ok, No, No], ALIKE),
    seen("all in migration mode, nobody", [Refused, Refused, No, No], NOT_TOLD),
    seen("one broker on KRaft, admin", [Ok, Ok, No, No], "the other is still in migration mode"),
    seen("one broker on KRaft, probe", [Ok, Ok, No, No], ALIKE),
    seen("one broker on KRaft, probe by certificate", [Ok, Ok, No, No], ALIKE),
    seen("one broker on KRaft, nobody", [Refused, Refused, No, No], NOT_TOLD),
    seen("all brokers on KRaft, admin", [Ok, Ok, Ok, No], "only the controllers are left"),
    seen("all brokers on KRaft, probe", [Ok, Ok, Ok, No], ALIKE),
    seen("all brokers on KRaft, probe by certificate", [Ok, Ok, Ok, No], ALIKE),
    seen("all brokers on KRaft, nobody", [Refused, Refused, Refused, No], "the controllers show their flags to him"),
    seen("finalized, admin", [Ok; 4], "every stage was passed"),
    seen("finalized, probe", [Ok; 4], ALIKE),
    seen("finalized, probe by certificate", [Ok; 4], ALIKE),
    seen("finalized, nobody", [Refused; 4], NOT_TOLD),
];

#[test]
fn the_whole_way_of_a_secured_cluster() {
    let kafka = Distribution::fetch(KAFKA);
    let mut walk = Walk::along("secured", EVERY_PHASE, whole);
    let shape = Shape { brokers: 2, controllers: 3, topics: true, secured: true, ..SMALLEST };
    let mut cluster = Cluster::start(&kafka, shape);
    judge(&mut walk, "pure ZooKeeper", &cluster, Form::Jks);

    cluster.provision_controllers();
    judge(&mut walk, "controllers up", &cluster, Form::Pkcs12);
    cluster.restart_broker(1, BrokerMode::Migration);
    judge(&mut walk, "one broker flagged", &cluster, Form::Pem);
    cluster.restart_broker(2, BrokerMode::Migration);
    cluster.await_state(MIGRATION);
    judge(&mut walk, "all in migration mode", &cluster, Form::Jks);
    assert_health(&cluster);
    cluster.restart_broker(1, BrokerMode::Kraft);
    judge(&mut walk, "one broker on KRaft", &cluster, Form::Pkcs12);
    cluster.restart_broker(2, BrokerMode::Kraft);
    judge(&mut walk, "all brokers on KRaft", &cluster, Form::Pem);
    assert_health(&cluster);
    for id in cluster.controller_ids() {
        cluster.restart_controller(id, ControllerMode::Finalized);
    }
    cluster.await_state(POST_MIGRATION);
    judge(&mut walk, "finalized", &cluster, Form::Jks);
    walk.end(35);
}

/// Everybody asks, all by stores of this form.
fn judge(walk: &mut Walk, phase: &str, cluster: &Cluster, form: Form) {
    for (who, name) in EVERYBODY {
        walk.judge_with(&format!("{phase}, {name}"), &flags(cluster, who, form));
    }
}

/// Health is for those who see everything.
fn assert_health(cluster: &Cluster) {
    for (who, verdict) in [(Who::Admin, Ok), (Who::Probe, Ok), (Who::Owner, Ok), (Who::Nobody, Refused)] {
        let document = run(&["health"], &flags(cluster, who, Form::Pem));
        assert_eq!(V::of(&document), verdict, "{who:?}: {document:#}");
    }
}

/// Where one of them asks, and his files.
fn flags(cluster: &Cluster, who: Who, form: Form) -> Vec<String> {
    let mut flags = whole(cluster);
    let certificates = cluster.certificates();
    let sasl = |mechanism, user| Client::of("SASL_SSL").trusting(certificates, form).by_password(mechanism, user);
    let (at_brokers, at_controllers) = match who {
        Who::Admin => (sasl("SCRAM-SHA-512", "admin"), sasl("SCRAM-SHA-512", "admin")),
        Who::Probe => (sasl("SCRAM-SHA-256", "probe"), sasl("PLAIN", "probe")),
        Who::Nobody => (sasl("SCRAM-SHA-512", "nobody"), sasl("PLAIN", "nobody")),
        Who::Owner => {
            flags[1] = cluster.brokers_by_certificate();
            let place = flags.iter().position(|flag| flag == "-C").expect("controllers");
            flags[place + 1] = cluster.controllers_by_certificate();
            let owner = Client::of("SSL").trusting(certificates, form).showing(certificates, "probe", form);
            (owner.clone(), owner)
        }
    };
    for (flag, client) in [("--command-config", at_brokers), ("--controller-command-config", at_controllers)] {
        let file = client.written(cluster.folder(), &format!("{who:?}{flag}"));
        flags.extend([flag.to_owned(), file.display().to_string()]);
    }
    flags
}

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
    for refusal in refusals(&cluster) {
        let file = refusal.client.written(cluster.folder(), refusal.name);
        for server in [refusal.address.to_string(), format!("1@{}", refusal.address)] {
            wrong.extend(refusal.misjudged(&server, &file));
        }
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
    code: i32,
}

impl Refusal {
    /// What is wrongly said when this broker is asked.
    fn misjudged(&self, server: &str, file: &Path) -> Option<String> {
        self.wrong(server, &ask_broker(server, file))
    }

    /// What is wrongly said when the controllers are asked.
    fn misjudged_by_controllers(&self, cluster: &Cluster, file: &Path) -> Option<String> {
        let mut flags = controllers(cluster);
        flags.extend(["--controller-command-config".to_owned(), file.display().to_string()]);
        self.wrong("controllers", &run(&["stage", "quorum-provisioned"], &flags))
    }

    fn wrong(&self, server: &str, document: &Value) -> Option<String> {
        let errors = document["errors"].as_array().expect("a list").iter();
        let told: Vec<_> = errors.map(|it| (it["id"].as_str(), it["message"].as_str().unwrap_or("?"))).collect();
        let as_wanted = told.iter().any(|(id, message)| *id == Some(self.id) && message.contains(self.words));
        println!("{} at {server}: {} {told:?}", self.name, document["exit_code"]);
        let right = as_wanted && document["exit_code"] == self.code;
        (!right)
            .then(|| format!("{} at {server}: not {} {} {:?}\n{document:#}", self.name, self.code, self.id, self.words))
    }
}

fn refusals(cluster: &Cluster) -> Vec<Refusal> {
    let (main, mtls, doors) = (cluster.own_address(1), cluster.second_endpoint(1), cluster.doors(1));
    let certificates = cluster.certificates();
    let tls = || Client::of("SSL").trusting(certificates, Form::Pem);
    let sasl = || Client::of("SASL_SSL").trusting(certificates, Form::Jks);
    let shown = |owner, form| tls().showing(certificates, owner, form);
    let bare = || Client::of("SASL_PLAINTEXT");
    let scram = "invalid credentials with SASL mechanism SCRAM-SHA-512";
    let refusal = |name, address, client, id, words, code| Refusal { name, address, client, id, words, code };
    vec![
        refusal(
            "wrong-plain",
            main,
            sasl().login("PLAIN", "probe", "not-hushhush"),
            "sasl-failed",
            "Invalid username or password",
            77,
        ),
        refusal("wrong-scram", main, sasl().login("SCRAM-SHA-512", "probe", "not-hushhush"), "sasl-failed", scram, 77),
        refusal("unknown-user", main, sasl().login("SCRAM-SHA-512", "ghost", "not-hushhush"), "sasl-failed", scram, 77),
        refusal(
            "other-mechanism",
            doors.login,
            bare().by_password("SCRAM-SHA-512", "probe"),
            "sasl-mechanism",
            "PLAIN",
            77,
        ),
        refusal("no-login", main, tls(), "sasl-expected", "", 77),
        refusal("no-login-without-tls", doors.login, Client::of("PLAINTEXT"), "sasl-expected", "", 77),
        refusal("login-at-plaintext", doors.harness, bare().by_password("PLAIN", "probe"), "sasl-not-spoken", "", 3),
        refusal(
            "login-at-ssl",
            mtls,
            Client::of("SASL_SSL")
                .trusting(certificates, Form::Pem)
                .showing(certificates, "probe", Form::Jks)
                .by_password("PLAIN", "probe"),
            "sasl-not-spoken",
            "",
            3,
        ),
        refusal("expired", doors.expired, tls(), "tls-expired", "", 3),
        refusal("other-host", doors.elsewhere, tls(), "tls-wrong-hostname", "elsewhere.example", 3),
        refusal(
            "foreign-authority",
            main,
            Client::of("SASL_SSL").trusting_foreigners(certificates).by_password("PLAIN", "probe"),
            "tls-unknown-issuer",
            "",
            3,
        ),
        refusal("no-certificate", mtls, tls(), "tls-client-refused", "", 77),
        refusal("foreign-certificate", mtls, shown("stranger", Form::Pem), "tls-client-refused", "", 77),
        refusal("expired-certificate", mtls, shown("expired", Form::Pkcs12), "tls-client-refused", "", 77),
        refusal("plaintext-at-tls", main, Client::of("PLAINTEXT"), "tls-expected", "", 3),
        refusal("login-without-tls", main, bare().by_password("PLAIN", "probe"), "tls-expected", "", 3),
        refusal("tls-at-plaintext", doors.harness, tls(), "tls-not-spoken", "", 3),
    ]
}

/// The listeners of controllers refuse as those of brokers do.
fn controllers_refusals(cluster: &Cluster) -> Vec<Refusal> {
    let address = cluster.own_address(3001);
    let sasl = || Client::of("SASL_SSL").trusting(cluster.certificates(), Form::Pkcs12);
    let refusal = |name, client, id, words, code| Refusal { name, address, client, id, words, code };
    let scram = "invalid credentials with SASL mechanism SCRAM-SHA-512";
    vec![
        refusal(
            "controllers-wrong-plain",
            sasl().login("PLAIN", "admin", "not-hushhush"),
            "sasl-failed",
            "Invalid username or password",
            77,
        ),
        // A user of ZooKeeper's is none of theirs before the copy.
        refusal("controllers-not-copied", sasl().by_password("SCRAM-SHA-512", "probe"), "sasl-failed", scram, 77),
        refusal(
            "controllers-other-mechanism",
            sasl().by_password("SCRAM-SHA-256", "admin"),
            "sasl-mechanism",
            "SCRAM-SHA-512",
            77,
        ),
        refusal("controllers-plaintext", Client::of("PLAINTEXT"), "tls-expected", "", 3),
        refusal(
            "controllers-no-login",
            Client::of("SSL").trusting(cluster.certificates(), Form::Pem),
            "sasl-expected",
            "",
            77,
        ),
    ]
}

/// Asks one broker about a stage that rests on it.
fn ask_broker(server: &str, file: &Path) -> Value {
    let flags = ["-b", server, "--expect-brokers", "1", "--command-config", &file.display().to_string()];
    run(&["stage", "brokers-in-migration"], &flags.map(str::to_owned))
}
