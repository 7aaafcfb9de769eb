//! Jolokia beside the exporter, in both versions, with and without policies: the agent as operators run it, and what the
//! stages say when its pages are the only ones. Other shapes of its answers are tried without Kafka (`tests/suite`).

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use crate::KAFKA;
use crate::cluster::{Cluster, SMALLEST, Shape};
use crate::distribution::Distribution;
use crate::looking::ask_without_log;
use crate::node::BrokerMode;
use crate::verdicts::V::{No, Ok};
use crate::verdicts::{STAGES, V, brokers, controllers};

/// A Jolokia agent of a controller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Jolokia {
    agent: JolokiaVersion,
    policy: Option<&'static str>,
}

/// The two lines that are in use. The second has other names for its artifact, and no stack traces in its answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JolokiaVersion {
    One,
    Two,
}

impl JolokiaVersion {
    pub(crate) const ALL: [Self; 2] = [Self::One, Self::Two];

    /// Where Maven Central has it.
    pub(crate) fn artifact(self) -> &'static str {
        match self {
            Self::One => "org.jolokia:jolokia-jvm:1.7.2",
            Self::Two => "org.jolokia:jolokia-agent-jvm:2.1.1:jar:javaagent",
        }
    }

    /// The name of the jar.
    pub(crate) fn jar(self) -> &'static str {
        match self {
            Self::One => "jolokia-jvm-1.7.2.jar",
            Self::Two => "jolokia-agent-jvm-2.1.1-javaagent.jar",
        }
    }
}

impl Jolokia {
    /// The argument of Java that starts it at this address.
    pub(crate) fn argument(self, software: &Distribution, folder: &Path, address: SocketAddr) -> String {
        let jar = software.jolokia(self.agent);
        let policy = self.policy.map_or_else(String::new, |policy| {
            let file = folder.join("jolokia-access.xml");
            fs::write(&file, policy).expect("a written policy");
            format!(",policyLocation=file://{}", file.display())
        });
        format!("-javaagent:{}=host={},port={}{policy}", jar.display(), address.ip(), address.port())
    }
}

/// As cp-ansible has it by default: one bean may be read, and no command be given.
const ONE_BEAN: Option<&str> = Some(
    "<restrict><commands/><allow><mbean><name>kafka.controller:type=KafkaController,name=ZkMigrationState</name>\
     <attribute>*</attribute></mbean></allow></restrict>",
);
const NO_POST: Option<&str> = Some("<restrict><http><method>get</method></http></restrict>");

const AGENTS: &[Jolokia] = &[
    Jolokia { agent: JolokiaVersion::One, policy: None },
    Jolokia { agent: JolokiaVersion::One, policy: ONE_BEAN },
    Jolokia { agent: JolokiaVersion::One, policy: NO_POST },
    Jolokia { agent: JolokiaVersion::Two, policy: None },
    Jolokia { agent: JolokiaVersion::Two, policy: ONE_BEAN },
    Jolokia { agent: JolokiaVersion::Two, policy: NO_POST },
];

const READ: &str = "read/kafka.controller:type=KafkaController,name=ZkMigrationState";

#[test]
fn a_stage_is_judged_through_jolokia_whatever_its_policy() {
    let shape = Shape { controllers: 6, first_controller: 4001, jolokia: AGENTS, ..SMALLEST };
    let mut cluster = Cluster::migrating(&Distribution::fetch(KAFKA), shape);
    judge(&cluster, [Ok, Ok, No, No]);
    cluster.restart_brokers(BrokerMode::Kraft);
    judge(&cluster, [Ok, Ok, Ok, No]);
}

/// Every agent's page alone, by the agent's base and by the bean's own URL, must be enough for these verdicts.
fn judge(cluster: &Cluster, verdicts: [V; 4]) {
    for (id, agent) in cluster.controller_ids().zip(AGENTS) {
        for path in ["/jolokia", "/jolokia/", &format!("/jolokia/{READ}"), &format!("/jolokia/{READ}/Value")] {
            // A controller's second listener is only a combined one's.
            let url = format!("http://{}{path}", cluster.second_endpoint(id));
            let page = ["--metrics".to_owned(), format!("{id}={url}")];
            let flags = [&brokers(cluster)[..], &controllers(cluster), &page].concat();
            let documents = STAGES.map(ask_without_log(&flags));
            assert_eq!(documents.each_ref().map(V::of), verdicts, "{agent:?} {path}: {:#}", documents[1]);
            let findings = documents[3]["findings"].as_array().expect("findings");
            let shown = findings.iter().any(|finding| finding["source"]["page"] == url.as_str());
            assert!(shown, "{agent:?} {path}: the state comes from there: {:#}", documents[3]);
        }
    }
}
