//! The Java side of the tests: the jars of one Kafka version and the Prometheus exporter agents.
//! They come from Maven Central through `mvn` and stay in a cache folder outside the checkout.
//! Starting anything with them is not done here.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::{env, io};

use crate::jolokia::JolokiaVersion;
use crate::jvm;

const TOOLS: [&str; 3] = ["java", "mvn", "setpriv"];
const DEPENDENCY_PLUGIN: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1";

/// The jars of one Kafka version, ready to be started.
#[derive(Clone)]
pub(crate) struct Distribution {
    version: String,
    cache: PathBuf,
}

impl Distribution {
    /// Takes the jars from the cache and downloads what is not there yet.
    /// Whatever is missing fails the test: a migration that was not tested must not look tested.
    pub(crate) fn fetch(version: &str) -> Self {
        need(&TOOLS, "sh tests/install.sh");
        let distribution = Self { version: version.to_owned(), cache: cache_folder() };
        let pom = pom(version);
        keep(&distribution.jars(), |folder| {
            fs::write(folder.join("pom.xml"), pom)?;
            maven(folder, "copy-dependencies", &["-DincludeScope=runtime", "-DoutputDirectory=."])
        });
        for agent in AgentVersion::ALL {
            keep(&distribution.agent_folder(agent), |folder| {
                let artifact = format!("-Dartifact=io.prometheus.jmx:jmx_prometheus_javaagent:{}", agent.number());
                maven(folder, "copy", &[&artifact, "-DoutputDirectory=."])
            });
        }
        distribution
    }

    /// The `-cp` argument: Java itself expands the star.
    pub(crate) fn class_path(&self) -> PathBuf {
        self.jars().join("*")
    }

    /// The `-cp` argument for Kafka's command line tools, which no node needs and no other test downloads.
    pub(crate) fn class_path_with_tools(&self) -> String {
        format!("{}:{}", self.tool("kafka-tools").display(), self.class_path().display())
    }

    /// The `-cp` argument and the class of Kafka's own decoder of logs.
    pub(crate) fn decoder(&self) -> (String, &'static str) {
        let (classes, class) = match self.minor() {
            "4.4" => (self.class_path_with_tools(), "org.apache.kafka.tools.DumpLogSegments"),
            _ => (self.class_path().display().to_string(), "kafka.tools.DumpLogSegments"),
        };
        if self.minor() == "3.4" {
            return (classes, class);
        }
        (format!("{classes}:{}", self.tool("kafka-tools-api").display()), class)
    }

    /// The jar of one of the tools' artifacts, as an entry of a class path.
    fn tool(&self, artifact: &str) -> PathBuf {
        let folder = self.cache.join(format!("{}-{}", artifact.trim_start_matches("kafka-"), self.version));
        keep(&folder, |folder| {
            let artifact = format!("-Dartifact=org.apache.kafka:{artifact}:{}", self.version);
            maven(folder, "copy", &[&artifact, "-DoutputDirectory=."])
        });
        folder.join("*")
    }

    pub(crate) fn agent(&self, agent: AgentVersion) -> PathBuf {
        let jar = format!("jmx_prometheus_javaagent-{}.jar", agent.number());
        self.agent_folder(agent).join(jar)
    }

    /// The agent's jar, which only few nodes need and no other test downloads.
    pub(crate) fn jolokia(&self, agent: JolokiaVersion) -> PathBuf {
        let folder = self.cache.join("jolokia");
        keep(&folder, |folder| {
            JolokiaVersion::ALL.iter().try_for_each(|agent| {
                maven(folder, "copy", &[&format!("-Dartifact={}", agent.artifact()), "-DoutputDirectory=."])
            })
        });
        folder.join(agent.jar())
    }

    /// What `inter.broker.protocol.version` wants to hear: `3.9` for 3.9.2.
    pub(crate) fn minor(&self) -> &str {
        self.version.rsplit_once('.').map_or(self.version.as_str(), |(minor, _patch)| minor)
    }

    /// Kafka 3.4 migrates without telling it: its nodes never say that they are ready, and there is no gauge.
    /// Kafka 4 has forgotten what a migration is.
    pub(crate) fn tells_migration_state(&self) -> bool {
        self.minor() != "3.4" && !self.is_four()
    }

    /// Kafka 4 has no code for ZooKeeper left, and logs through log4j2.
    pub(crate) fn is_four(&self) -> bool {
        is_four(&self.version)
    }

    fn jars(&self) -> PathBuf {
        self.cache.join(format!("kafka-{}", self.version))
    }

    fn agent_folder(&self, agent: AgentVersion) -> PathBuf {
        self.cache.join(format!("agent-{}", agent.number()))
    }
}

/// The two lines of the exporter that are in use, which differ in configuration and in what they print.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AgentVersion {
    ZeroTwenty,
    OneZero,
}

impl AgentVersion {
    const ALL: [Self; 2] = [Self::ZeroTwenty, Self::OneZero];

    fn number(self) -> &'static str {
        match self {
            Self::ZeroTwenty => "0.20.0",
            Self::OneZero => "1.0.1",
        }
    }
}

/// Fails the test when one of these programs is not there, with the line that installs it.
pub(crate) fn need(tools: &[&str], install: &str) {
    for tool in tools {
        assert!(
            on_path(tool),
            "`{tool}` is missing and the tests against real Kafka need it; install it with: {install}"
        );
    }
}

/// Fills a cache folder once. The work happens in a folder beside it that is renamed when complete,
/// and under a lock, so that test processes that start together neither see half of it nor load it twice.
fn keep(folder: &Path, fill: impl FnOnce(&Path) -> Result<(), io::Error>) {
    if folder.is_dir() {
        return;
    }
    let filled = || -> io::Result<()> {
        let cache = folder.parent().expect("the cache folder");
        fs::create_dir_all(cache)?;
        let lock = File::create(cache.join("lock"))?;
        lock.lock()?;
        if folder.is_dir() {
            return Ok(());
        }
        let partial = cache.join("partial");
        if partial.exists() {
            fs::remove_dir_all(&partial)?;
        }
        fs::create_dir(&partial)?;
        fill(&partial)?;
        fs::rename(&partial, folder)
    };
    if let Err(error) = filled() {
        panic!("cannot fill {}: {error}", folder.display());
    }
}

fn maven(folder: &Path, goal: &str, arguments: &[&str]) -> io::Result<()> {
    let mut command = jvm::mortal("mvn");
    command
        .current_dir(folder)
        .args(["--batch-mode", "--no-transfer-progress", "--quiet"])
        .args(["--strict-checksums", "-Dstyle.color=never"])
        .arg(format!("{DEPENDENCY_PLUGIN}:{goal}"))
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let output = jvm::launch(command)?.wait_with_output()?;
    if output.status.success() {
        return Ok(());
    }
    let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
    said.push_str(&String::from_utf8_lossy(&output.stderr));
    let last = last_lines(&said, 12);
    Err(io::Error::other(format!("mvn {goal} failed:\n{last}")))
}

/// The end of a text, which is where programs say why they gave up.
pub(crate) fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

fn is_four(version: &str) -> bool {
    version.starts_with("4.")
}

/// `kafka_2.13` with what it leaves to the one who deploys it: a logging backend,
/// and the metrics library that the ZooKeeper server wants.
fn pom(version: &str) -> String {
    let kafka = ("org.apache.kafka", "kafka_2.13", version);
    let three = [("org.slf4j", "slf4j-reload4j", "1.7.36"), ("io.dropwizard.metrics", "metrics-core", "4.1.12.1")];
    let four = [
        ("org.apache.logging.log4j", "log4j-core", "2.24.3"),
        ("org.apache.logging.log4j", "log4j-slf4j-impl", "2.24.3"),
    ];
    let backend = if is_four(version) { four } else { three };
    // No node needs the command line tools.
    let tools = ["kafka-tools", "kafka-tools-api"]
        .map(|tool| {
            format!("<exclusion><groupId>org.apache.kafka</groupId><artifactId>{tool}</artifactId></exclusion>")
        })
        .concat();
    let dependencies: String = [kafka, backend[0], backend[1]]
        .map(|(group, artifact, version)| {
            format!(
                "<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId>\
                 <version>{version}</version><exclusions>{tools}</exclusions></dependency>\n"
            )
        })
        .concat();
    format!(
        "<project>\n<modelVersion>4.0.0</modelVersion>\n<groupId>test</groupId>\
         <artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>\n\
         <dependencies>\n{dependencies}</dependencies>\n</project>\n"
    )
}

fn cache_folder() -> PathBuf {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    if let Some(folder) = set("KRAFT_CHECK_TEST_CACHE") {
        return PathBuf::from(folder);
    }
    let user = set("XDG_CACHE_HOME").map_or_else(
        || {
            let home = set("HOME").expect("HOME is not set: say in KRAFT_CHECK_TEST_CACHE where the jars may be kept");
            Path::new(&home).join(".cache")
        },
        PathBuf::from,
    );
    user.join("kraft-check")
}

fn on_path(tool: &str) -> bool {
    env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(|folder| folder.join(tool).is_file()))
}
