//! Gauges of `kafka.controller:type=KafkaController`, found on a metrics page.
//!
//! Three shapes are known: the exporter's default name with the bean in a label, the same in lower case, and
//! the name that the common rule files of `jmx_exporter` give (`kafka_controller_kafkacontroller_<bean>`). Names
//! are compared in lower case without punctuation. HELP lines are never read: the line of a shared family names
//! another bean.

use super::{Sight, View, seen, unseen};
use crate::snapshot::{Evidence, Missed, NodeId, Page, Sample, Source, Why};

const FAMILY: &str = "kafkacontrollerkafkacontroller";

/// The gauge of this bean on the page of this controller.
pub(super) fn gauge(view: &View<'_>, id: NodeId, bean: &str) -> Sight<f64> {
    let Some(page) = view.page(id) else {
        let words = format!("no metrics page is known for controller {id}: give --metrics");
        return unseen(Missed::new(Why::NoAddress, words), None);
    };
    let evidence = |sample: Option<&Sample>| {
        Some(Evidence {
            source: Source::Page {
                url: page.url.clone(),
                metric: sample.map_or_else(|| bean.to_owned(), |sample| sample.name.clone()),
                labels: sample.map(|sample| sample.labels.clone()).unwrap_or_default(),
            },
            endpoint: None,
            at: page.page.at,
            took_us: page.page.took_us,
        })
    };
    match page.page.said.as_ref().map_err(Clone::clone).and_then(|page| find(page, bean)) {
        Ok((sample, value)) => seen(value, evidence(Some(sample))),
        Err(missed) => unseen(missed, evidence(None)),
    }
}

/// `MigratingZkBrokerCount` of the live leader.
pub(super) fn migrating_brokers(view: &View<'_>) -> Sight<u64> {
    let count = gauge(view, view.live_leader()?.id(), "MigratingZkBrokerCount")?;
    match whole(count.value).and_then(|count| u64::try_from(count).ok()) {
        Some(whole) => seen(whole, count.evidence),
        None => unseen(Missed::new(Why::Malformed, format!("{} is not a count", count.value)), count.evidence),
    }
}

/// The whole number that a gauge's float stands for.
pub(super) fn whole(value: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "the bounds are those of node counts, far inside i64")]
    (value.fract() == 0.0 && value.abs() < 1e9).then_some(value as i64)
}

fn find<'a>(page: &'a Page, bean: &str) -> Result<(&'a Sample, f64), Missed> {
    let bean_name = plain(bean);
    let mut found: Option<(&Sample, f64)> = None;
    for sample in page.samples.iter().filter(|sample| is_gauge(sample, bean, &bean_name)) {
        // Rust reads `NaN` and `+Inf` in Prometheus' spelling.
        let Ok(value) = sample.value.parse::<f64>() else {
            return Err(Missed::new(Why::Malformed, format!("{bean} is {}, which is no number", sample.value)));
        };
        match found {
            Some((_, first)) if first.to_bits() != value.to_bits() => {
                let words = format!("the page has {bean} twice, {first} and {value}");
                return Err(Missed::new(Why::Ambiguous, words));
            }
            _ => found = Some((sample, value)),
        }
    }
    found.ok_or_else(|| {
        let words = if page.samples.iter().any(|sample| plain(&sample.name).starts_with(FAMILY)) {
            format!("the page has KafkaController metrics but not {bean}: the exporter's rules drop it, or Kafka is before 3.5 or from 4.0 on")
        } else {
            format!("the page has no KafkaController metrics, so no {bean}: the exporter is still starting (up to 120 s), or this is not a controller's page")
        };
        Missed::new(Why::WithoutMetric, words)
    })
}

fn is_gauge(sample: &Sample, bean: &str, bean_name: &str) -> bool {
    let name = plain(&sample.name);
    match name.strip_prefix(FAMILY) {
        Some("value") => {
            let mut labels = sample.labels.iter();
            labels.any(|(label, value)| label.eq_ignore_ascii_case("name") && value.eq_ignore_ascii_case(bean))
        }
        Some(rest) => rest == bean_name,
        None => false,
    }
}

fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}
