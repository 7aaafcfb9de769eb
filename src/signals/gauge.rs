//! Gauges of `kafka.controller:type=KafkaController`, found on a metrics page.
//!
//! Exporters give them many names. Compared in lower case without punctuation, a gauge is a metric that ends with the
//! bean's name, or with it and `value`, and has `controller` before it; or the family `…kafkacontrollervalue` with the
//! bean's name in the label `name`. So is the bean's own name, which agents are asked for. A name that was given by hand is taken instead, exactly. HELP lines are never read:
//! the line of a shared family names another bean.

use super::{Sight, View, seen, unseen};
use crate::snapshot::{Evidence, Gauge, Look, MetricName, Missed, NodeId, Page, PageOf, Sample, Source, Why};

/// How the family ends that has the bean's name in a label.
const FAMILY: &str = "kafkacontrollervalue";

/// What was found on a page: the sample and its value.
pub(super) type Found<'a> = Result<(&'a Sample, f64), Missed>;

/// Every gauge on the page of every controller, as far as pages came. Names are compared at length, so once a look.
pub(super) fn all<'a>(look: &'a Look, names: &'a [MetricName]) -> Vec<(&'a PageOf, Gauge, Found<'a>)> {
    let of_page = |page: &'a PageOf| {
        Gauge::ALL.into_iter().map(move |gauge| {
            let given = names.iter().find(|given| given.gauge == gauge);
            let found = page.page.said.as_ref().map_err(Clone::clone);
            (page, gauge, found.and_then(|page| find(page, gauge, given)))
        })
    };
    look.pages.iter().flat_map(of_page).collect()
}

/// The gauge of this bean on the page of this controller.
pub(super) fn gauge(view: &View<'_>, id: NodeId, gauge: Gauge) -> Sight<f64> {
    let bean = gauge.bean();
    let Some((page, found)) = view.page(id).and_then(|page| view.gauge_on(page, gauge)) else {
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
    match found {
        Ok((sample, value)) => seen(*value, evidence(Some(sample))),
        Err(missed) => unseen(missed.clone(), evidence(None)),
    }
}

/// The gauge as a number of things.
pub(super) fn count(view: &View<'_>, id: NodeId, which: Gauge) -> Sight<u64> {
    let count = gauge(view, id, which)?;
    match whole(count.value).and_then(|count| u64::try_from(count).ok()) {
        Some(whole) => seen(whole, count.evidence),
        None => unseen(Missed::new(Why::Malformed, format!("{} is not a count", count.value)), count.evidence),
    }
}

/// The same of the live leader: on other controllers some gauges stand still, or are stale.
pub(super) fn of_leader(view: &View<'_>, which: Gauge) -> Sight<u64> {
    count(view, view.live_leader()?.id(), which)
}

/// The whole number that a gauge's float stands for.
pub(super) fn whole(value: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "the bounds are those of node counts, far inside i64")]
    (value.fract() == 0.0 && value.abs() < 1e9).then_some(value as i64)
}

fn find<'a>(page: &'a Page, gauge: Gauge, given: Option<&MetricName>) -> Result<(&'a Sample, f64), Missed> {
    let bean = gauge.bean();
    let bean_name = plain(bean);
    let is_meant = |sample: &&Sample| match given {
        Some(given) => sample.name == given.name && given.labels.iter().all(|label| sample.labels.contains(label)),
        None => is_gauge(sample, bean, &bean_name),
    };
    let mut found: Option<(&Sample, f64)> = None;
    for sample in page.samples.iter().filter(is_meant) {
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
        if page.denied.contains(&gauge) {
            return Missed::new(Why::Denied, format!("the agent's policy denies reading {bean}"));
        }
        let words = if let Some(given) = given {
            format!("the page has no {} with the labels of --metric", given.name)
        } else if page.samples.iter().any(|sample| plain(&sample.name).contains("kafkacontroller")) {
            format!(
                "the page has KafkaController metrics but not {bean}: the exporter's rules drop it (give --metric if \
                 it has another name), or Kafka is before 3.5 or from 4.0 on"
            )
        } else {
            format!("the page has no KafkaController metrics, so no {bean}: the exporter is still starting (up to 120 s), or this is not a controller's page")
        };
        Missed::new(Why::WithoutMetric, words)
    })
}

fn is_gauge(sample: &Sample, bean: &str, bean_name: &str) -> bool {
    let name = plain(&sample.name);
    let label = |wanted: &str| sample.labels.iter().find(|(label, _)| label.eq_ignore_ascii_case(wanted));
    let stem = name.strip_suffix("value").unwrap_or(&name);
    let named = [name.as_str(), stem]
        .iter()
        .any(|name| name.strip_suffix(bean_name).is_some_and(|rest| rest.contains("controller")));
    let labelled = name.ends_with(FAMILY) && label("name").is_some_and(|(_, value)| value.eq_ignore_ascii_case(bean));
    (named || labelled) && label("quantile").is_none()
}

fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}
