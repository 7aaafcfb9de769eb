//! The text of an exporter's page, read into samples.
//!
//! Prometheus text format 0.0.4 and OpenMetrics, as `jmx_prometheus_javaagent` 0.x (which leaves a trailing comma
//! in the braces) and 1.x write them. A line that is neither a comment nor a sample makes the whole page
//! unreadable, as it would for Prometheus: half a page must not look like a page. Which sample is which signal
//! is not known here (`signals`).

use super::not_a_page;
use crate::snapshot::{MetricName, Missed, Page, Sample, Why};

/// More samples of controllers than any exporter gives; beyond it the page is refused.
const SAMPLES_MAX: usize = 10_000;

/// Reads a page and keeps the samples that have `controller` in their name, or a name that was given by hand.
pub(super) fn read(text: &str, names: &[MetricName]) -> Result<Page, Missed> {
    if !text.is_empty() && !text.ends_with('\n') {
        return Err(unreadable("the page ends inside a line"));
    }
    let mut samples = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some(sample) = sample(line) else {
            return Err(unreadable(&format!("line {} is not a sample", index + 1)));
        };
        let given = names.iter().any(|given| given.name == sample.name);
        if !given && !sample.name.to_ascii_lowercase().contains("controller") {
            continue;
        }
        if samples.len() == SAMPLES_MAX {
            let words = format!("more than {SAMPLES_MAX} samples with controller in their name");
            return Err(Missed::new(Why::TooLarge, words));
        }
        samples.push(sample);
    }
    Ok(Page { samples, denied: Vec::new() })
}

fn unreadable(what: &str) -> Missed {
    not_a_page(format!("not a page of Prometheus metrics: {what}"))
}

/// `name{label="value",} value [timestamp] [# exemplar]`.
fn sample(line: &str) -> Option<Sample> {
    let (name, rest) = line.split_at(line.find(|c: char| !is_name(c))?);
    if name.is_empty() {
        return None;
    }
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(inner) => labels(inner)?,
        None => (Vec::new(), rest),
    };
    let rest = rest.split(" # ").next()?;
    let mut words = rest.split_ascii_whitespace();
    let value = words.next()?;
    value.parse::<f64>().ok()?;
    if let Some(timestamp) = words.next() {
        timestamp.parse::<f64>().ok()?;
    }
    if words.next().is_some() {
        return None;
    }
    Some(Sample { name: name.to_owned(), labels, value: value.to_owned() })
}

/// The labels, and what follows the closing brace.
fn labels(mut rest: &str) -> Option<(Vec<(String, String)>, &str)> {
    let mut labels = Vec::new();
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix('}') {
            return Some((labels, after));
        }
        let (name, after) = rest.split_once('=')?;
        let (value, after) = quoted(after.trim_start())?;
        labels.push((name.trim().to_owned(), value));
        rest = after.trim_start();
        match rest.strip_prefix(',') {
            Some(after) => rest = after,
            None if rest.starts_with('}') => {}
            None => return None,
        }
    }
}

/// A quoted value with its escapes undone, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let inner = text.strip_prefix('"')?;
    let mut value = String::new();
    let mut characters = inner.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &inner[at + 1..])),
            '\\' => match characters.next()?.1 {
                'n' => value.push('\n'),
                escaped => value.push(escaped),
            },
            plain => value.push(plain),
        }
    }
    None
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == ':'
}
