//! Kafka's own command line tools: what an operator moves partitions with, and what makes load.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use crate::cluster::Cluster;
use crate::distribution::Distribution;
use crate::jvm::{self, Jvm};

pub(crate) const LIMIT: Duration = Duration::from_mins(1);

/// A move of one partition to these replicas.
pub(crate) struct Move<'a> {
    pub(crate) topic: &'a str,
    pub(crate) partition: i32,
    pub(crate) replicas: Vec<i32>,
}

impl Move<'_> {
    /// Begins the move, with at most this many bytes a second.
    pub(crate) fn begin(&self, kafka: &Distribution, cluster: &Cluster, bytes_per_second: u32) {
        self.reassign(kafka, cluster, &["--execute", "--throttle", &bytes_per_second.to_string()]);
    }

    /// Takes it back.
    pub(crate) fn cancel(&self, kafka: &Distribution, cluster: &Cluster) {
        self.reassign(kafka, cluster, &["--cancel"]);
    }

    fn reassign(&self, kafka: &Distribution, cluster: &Cluster, words: &[&str]) {
        let Self { topic, partition, replicas } = self;
        let replicas = replicas.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let file = cluster.folder().join("move.json");
        let text = format!(
            "{{\"version\":1,\"partitions\":[{{\"topic\":\"{topic}\",\"partition\":{partition},\"replicas\":[{replicas}]}}]}}"
        );
        fs::write(&file, text).expect("a written file");
        let file = file.to_str().expect("a plain path");
        let servers = cluster.bootstrap_servers();
        let own = ["--bootstrap-server", &servers, "--reassignment-json-file", file];
        let class = "org.apache.kafka.tools.reassign.ReassignPartitionsCommand";
        let tool = start(kafka, cluster, class, &[&own[..], words].concat());
        tool.finish(LIMIT).unwrap_or_else(|error| panic!("{words:?}: {error}\n{}", log(cluster)));
    }
}

/// Writes so many records of a kilobyte to a topic, and waits until they are there.
pub(crate) fn produce(kafka: &Distribution, cluster: &Cluster, topic: &str, records: u32) {
    let producer = load(kafka, cluster, topic, records, -1);
    producer.finish(LIMIT).unwrap_or_else(|error| panic!("{error}\n{}", log(cluster)));
}

/// Begins to write so many records of a kilobyte, so many a second.
pub(crate) fn load(kafka: &Distribution, cluster: &Cluster, topic: &str, records: u32, a_second: i32) -> Jvm {
    let mut words = String::new();
    let _ = write!(words, "--topic {topic} --num-records {records} --throughput {a_second} --record-size 1000");
    let _ = write!(words, " --producer-props acks=all bootstrap.servers={}", cluster.bootstrap_servers());
    let words: Vec<&str> = words.split(' ').collect();
    start(kafka, cluster, "org.apache.kafka.tools.ProducerPerformance", &words)
}

/// What Kafka's own decoder says of the records in a file of the metadata log: a line each.
pub(crate) fn dump(kafka: &Distribution, file: &Path) -> String {
    let mut java = jvm::java(128);
    let (classes, decoder) = kafka.decoder();
    java.arg("-cp").arg(classes).args([decoder, "--cluster-metadata-decoder", "--files"]).arg(file);
    let said = file.with_added_extension("dump");
    Jvm::start(java, &said).finish(LIMIT).unwrap_or_else(|error| panic!("{}: {error}", said.display()));
    let said = fs::read_to_string(said).expect("what it said");
    said.lines().filter(|line| line.starts_with("| ")).fold(String::new(), |records, line| records + line + "\n")
}

/// Does what a line for a shell says that grants a right, with the admin's own file.
pub(crate) fn grants(kafka: &Distribution, cluster: &Cluster, line: &str, admin: &Path) {
    let words = shlex::split(line).expect("a line for a shell");
    assert_eq!(words[0], "kafka-acls.sh");
    let admin = admin.to_str().expect("a plain path");
    let words: Vec<&str> =
        words[1..].iter().map(|word| if word == "admin.properties" { admin } else { word }).collect();
    let tool = start(kafka, cluster, "kafka.admin.AclCommand", &words);
    tool.finish(LIMIT).unwrap_or_else(|error| panic!("{line}: {error}\n{}", log(cluster)));
}

/// Asks a broker what it speaks, as Kafka's own client would with this `client.properties`.
pub(crate) fn asks_by(kafka: &Distribution, cluster: &Cluster, server: SocketAddr, client: &Path) -> Jvm {
    let client = client.to_str().expect("a plain path");
    let words = ["--bootstrap-server", &server.to_string(), "--command-config", client];
    start(kafka, cluster, "kafka.admin.BrokerApiVersionsCommand", &words)
}

fn start(kafka: &Distribution, cluster: &Cluster, class: &str, words: &[&str]) -> Jvm {
    let mut java = jvm::java(128);
    java.arg("-cp").arg(kafka.class_path_with_tools()).arg(class).args(words);
    Jvm::start(java, &cluster.folder().join("tools.log"))
}

pub(crate) fn log(cluster: &Cluster) -> String {
    fs::read_to_string(cluster.folder().join("tools.log")).unwrap_or_default()
}
