//! A secured cluster: every verdict of a whole migration, whoever asks.
//!
//! The tables say what the rights of each must let him see. Where nodes listen, and who has which rights, is in `security`.

use crate::cluster::{Cluster, SMALLEST, Shape};
use crate::distribution::Distribution;
use crate::node::{BrokerMode, ControllerMode};
use crate::security::certificates::Form;
use crate::security::clients::Client;
use crate::verdicts::V::{Huh, No, Ok, Refused};
use crate::verdicts::{Expected, V, Walk, run, waits_for, whole};
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
    assert_cured(&kafka, &cluster);
}

/// Nobody is told what he lacks, and once an admin has done as it says, he sees everything.
fn assert_cured(kafka: &Distribution, cluster: &Cluster) {
    let probe = run(&["doctor"], &flags(cluster, Who::Probe, Form::Pem));
    assert_eq!(probe["exit_code"], 0, "{probe:#}");
    let certificates = cluster.certificates();
    let admin = Client::of("SASL_SSL").trusting(certificates, Form::Pem).by_password("SCRAM-SHA-512", "admin");
    let admin = admin.written(cluster.folder(), "of an admin");
    let nobody = flags(cluster, Who::Nobody, Form::Pem);
    let mut diagnosis = run(&["doctor"], &nobody);
    assert_eq!(diagnosis["exit_code"], 77, "{diagnosis:#}");
    // What is granted leads to further questions.
    for _round in 0..3 {
        for line in diagnosis["grants"].as_array().expect("commands") {
            println!("{line}");
            tools::grants(kafka, cluster, line.as_str().expect("a line"), &admin);
        }
        diagnosis = run(&["doctor"], &nobody);
    }
    assert_eq!(diagnosis["exit_code"], 0, "{diagnosis:#}");
    assert_eq!(V::of(&run(&["stage", "finalized"], &nobody)), Ok);
    assert_eq!(V::of(&run(&["health"], &nobody)), Ok);
}

/// Everybody asks, all by stores of this form.
fn judge(walk: &mut Walk, phase: &str, cluster: &Cluster, form: Form) {
    for (who, name) in EVERYBODY {
        let flags = flags(cluster, who, form);
        walk.judge_with(&format!("{phase}, {name}"), &flags);
        // Before the copy the controllers tell the others neither who leads nor what stands in the log.
        let told = match (phase, who) {
            ("controllers up", Who::Admin) => "a-broker-registered",
            ("one broker flagged", Who::Admin) => "brokers-flagged broker/2",
            _ => "",
        };
        assert_eq!(waits_for(&run(&["status"], &flags)), told, "{phase}, {name}");
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
