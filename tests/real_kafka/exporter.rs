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
    /// One family per bean in the bean's own spelling, and the attribute at its end.
    ValueSuffix,
    /// One family per bean, named without the bean's type: `kafka_controller_ZkMigrationState`.
    Short,
    /// The same in lower case.
    ShortLowercase,
    /// Written by hand: `kafka_controller_zk_migration_state`.
    Snake,
    /// Agent 1.0.1 with the names of `FamilyPerBean` and no type.
    Untyped,
    /// The state under a name that nobody can guess, `migration_phase{what="state"}`, and the rest in the beans'
    /// own spelling.
    Renamed,
    /// The names of `FamilyPerBean`, with rules that drop the state and keep everything else.
    WithoutState,
}

impl Flavour {
    /// What neighbours have in turn, unless a test wants something special.
    pub(crate) const USUAL: &'static [Self] = &[Self::Plain, Self::Lowercase, Self::FamilyPerBean];

    pub(crate) fn agent(self) -> AgentVersion {
        match self {
            Self::Lowercase | Self::Untyped => AgentVersion::OneZero,
            _ => AgentVersion::ZeroTwenty,
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
        let lowercase = "lowercaseOutputName: true\n";
        match self {
            Self::Ungated => EVERYTHING.to_owned(),
            Self::Plain => few + EVERYTHING,
            Self::Lowercase => few + lowercase + EVERYTHING,
            Self::FamilyPerBean => few + lowercase + "rules:\n" + &rule(ANY, "kafka_$1_$2_$3") + "  type: GAUGE\n",
            Self::Untyped => few + lowercase + "rules:\n" + &rule(ANY, "kafka_$1_$2_$3"),
            Self::ValueSuffix => few + "rules:\n" + &rule(ANY, "kafka_$1_$2_$3_Value"),
            Self::Short => few + "rules:\n" + &rule(ANY, "kafka_$1_$3"),
            Self::ShortLowercase => few + lowercase + "rules:\n" + &rule(ANY, "kafka_$1_$3"),
            Self::Snake => few + "rules:\n" + &SNAKE.map(|(bean, name)| rule(&of_controller(bean), name)).concat(),
            Self::Renamed => {
                let state = rule(&of_controller("ZkMigrationState"), "migration_phase");
                few + "rules:\n" + &state + "  labels:\n    what: state\n" + &rule(ANY, "kafka_$1_$2_$3")
            }
            Self::WithoutState => {
                let but_the_state = "kafka.(\\w+)<type=(.+), name=((?!ZkMigrationState).+)><>Value";
                few + lowercase + "rules:\n" + &rule(but_the_state, "kafka_$1_$2_$3")
            }
        }
    }
}

const EVERYTHING: &str = "rules:\n- pattern: \".*\"\n";

/// The gauges of the brokers and the controllers.
const ANY: &str = "kafka.(\\w+)<type=(.+), name=(.+)><>Value";

const SNAKE: [(&str, &str); 3] = [
    ("ZkMigrationState", "kafka_controller_zk_migration_state"),
    ("MigratingZkBrokerCount", "kafka_controller_migrating_zk_broker_count"),
    ("ActiveControllerCount", "kafka_controller_active_controller_count"),
];

fn of_controller(bean: &str) -> String {
    format!("kafka.controller<type=KafkaController, name={bean}><>Value")
}

fn rule(pattern: &str, name: &str) -> String {
    format!("- pattern: {pattern}\n  name: {name}\n")
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
    let mut values = page.lines().filter_map(|line| {
        let (series, value) = line.rsplit_once(' ')?;
        let series = series.to_lowercase().replace('_', "");
        let series = series.strip_prefix("kafkacontroller").or_else(|| {
            // The one gauge that a page may have under a name of its own.
            series.starts_with("migrationphase{what=\"state\"").then_some("zkmigrationstate")
        })?;
        let series = series.strip_prefix("kafkacontroller").unwrap_or(series);
        let labelled = series.contains(&format!("name=\"{wanted}\""));
        let named = series.strip_suffix("value").unwrap_or(series) == wanted;
        (labelled || named).then(|| value.parse().ok())?
    });
    values.next()
}
