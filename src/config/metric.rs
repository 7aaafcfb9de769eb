//! Names of metrics that an exporter of its own kind gives: `GAUGE=NAME{LABEL=VALUE,…}`.

use super::{Refusal, usage};
use crate::snapshot::{Gauge, MetricName};

/// Reads one name. Values of labels may stand in quotes, as on the page, or without them.
pub(super) fn name(flag: &str, text: &str) -> Result<MetricName, Refusal> {
    let refusal = |why: &str| {
        usage(format!("{flag}: '{text}' {why}: give e.g. zk-migration-state=migration_phase{{what=\"state\"}}"))
    };
    let (gauge, series) = text.split_once('=').ok_or_else(|| refusal("names no metric"))?;
    let Some(gauge) = Gauge::ALL.into_iter().find(|known| id(*known) == gauge) else {
        let known = Gauge::ALL.map(id).join(", ");
        return Err(usage(format!("{flag}: '{gauge}' is not a gauge that can be renamed; those are {known}")));
    };
    let (name, labels) = match series.split_once('{') {
        None => (series, ""),
        Some((name, rest)) => (name, rest.strip_suffix('}').ok_or_else(|| refusal("has no } at its end"))?),
    };
    let is_name = |name: &str| {
        let letters = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':');
        letters && name.starts_with(|c: char| !c.is_ascii_digit())
    };
    if !is_name(name) {
        return Err(refusal("has no metric name"));
    }
    let label = |text: &str| {
        let (label, value) = text.split_once('=')?;
        let value = value.strip_prefix('"').map_or(Some(value), |inner| inner.strip_suffix('"'))?;
        is_name(label.trim()).then(|| (label.trim().to_owned(), value.to_owned()))
    };
    let labels = labels.split(',').map(str::trim).filter(|text| !text.is_empty());
    let labels: Option<Vec<(String, String)>> = labels.map(label).collect();
    let labels = labels.ok_or_else(|| refusal("has a label that is not LABEL=VALUE"))?;
    Ok(MetricName { gauge, name: name.to_owned(), labels })
}

/// What the gauge is called on the command line.
fn id(gauge: Gauge) -> &'static str {
    match gauge {
        Gauge::ZkMigrationState => "zk-migration-state",
        Gauge::MigratingZkBrokerCount => "migrating-zk-broker-count",
        Gauge::GlobalTopicCount => "global-topic-count",
        Gauge::FencedBrokerCount => "fenced-broker-count",
        Gauge::MetadataErrorCount => "metadata-error-count",
        Gauge::ZkWriteBehindLag => "zk-write-behind-lag",
        Gauge::TopicsToDeleteCount => "topics-to-delete-count",
    }
}
