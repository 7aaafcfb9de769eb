//! The Prometheus exporter inside every Kafka node: the shapes in which operators run it, and a reading of its
//! page that owes nothing to the code under test.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::distribution::AgentVersion;

const LIMIT: Duration = Duration::from_secs(10);

/// How the exporter of a node names its metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavour {
    /// Agent 0.20.0 with the rule `.*`: the bean's name is a label, and a comma trails in the braces.
    Plain,
    /// Agent 1.0.1 with the rule `.*` and family names in lower case.
    Lowercase,
    /// Agent 0.20.0 with a rule like those of the exporter's own example for Kafka: one family per bean.
    FamilyPerBean,
    /// Like `Plain`, but every bean there is: the page grows to a megabyte.
    Ungated,
}

impl Flavour {
    /// Every shape in turn, so that three neighbours show three shapes.
    pub(crate) fn nth(index: i32) -> Self {
        match index % 3 {
            0 => Self::Plain,
            1 => Self::Lowercase,
            _ => Self::FamilyPerBean,
        }
    }

    pub(crate) fn agent(self) -> AgentVersion {
        match self {
            Self::Lowercase => AgentVersion::OneZero,
            Self::Plain | Self::FamilyPerBean | Self::Ungated => AgentVersion::ZeroTwenty,
        }
    }

    pub(crate) fn configuration(self) -> String {
        let beans = match self.agent() {
            AgentVersion::ZeroTwenty => "whitelistObjectNames",
            AgentVersion::OneZero => "includeObjectNames",
        };
        let few = format!(
            "{beans}:\n\
             - \"kafka.controller:*\"\n\
             - \"kafka.server:type=ReplicaManager,*\"\n\
             - \"kafka.server:type=raft-metrics\"\n\
             - \"kafka.server:type=broker-metadata-metrics\"\n"
        );
        match self {
            Self::Ungated => "rules:\n- pattern: \".*\"\n".to_owned(),
            Self::Plain => few + "rules:\n- pattern: \".*\"\n",
            Self::Lowercase => few + "lowercaseOutputName: true\nrules:\n- pattern: \".*\"\n",
            Self::FamilyPerBean => {
                few + "lowercaseOutputName: true\n\
                       rules:\n\
                       - pattern: kafka.(\\w+)<type=(.+), name=(.+)><>Value\n  \
                         name: kafka_$1_$2_$3\n  \
                         type: GAUGE\n"
            }
        }
    }
}

/// The text of an exporter's page.
pub(crate) fn page(exporter: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&exporter, LIMIT)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    // HTTP/1.0, because then the server neither keeps the connection nor cuts its answer into chunks.
    write!(stream, "GET /metrics HTTP/1.0\r\nHost: {exporter}\r\nAccept: text/plain\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    match answer.split_once("\r\n\r\n") {
        Some((head, body)) if head.lines().next().is_some_and(|line| line.contains(" 200")) => Ok(body.to_owned()),
        _ => Err(io::Error::other(format!("no page but {answer:.80?}"))),
    }
}

/// The value of a gauge of the controller, such as `ZkMigrationState`, in whichever flavour the page is written.
pub(crate) fn gauge(page: &str, name: &str) -> Option<f64> {
    let wanted = name.to_lowercase();
    let samples = page.lines().filter(|line| line.starts_with("kafka_controller_"));
    let mut values = samples.filter_map(|sample| {
        let (series, value) = sample.rsplit_once(' ')?;
        let series = series.to_lowercase();
        let labelled = series.contains(&format!("name=\"{wanted}\""));
        let named = series == format!("kafka_controller_kafkacontroller_{wanted}");
        (labelled || named).then(|| value.parse().ok())?
    });
    values.next()
}
