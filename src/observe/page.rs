//! Metrics pages: what is asked of one, and what kind of page it is, which the answer itself tells.
//!
//! A page of Prometheus metrics is text; the agent of Strimzi and Jolokia answer in JSON. Here: the kinds, and the codes of
//! HTTP. Not here: how the answer comes (`dial`), and which sample is which signal (`signals`).

mod jolokia;
mod prometheus;

use std::borrow::Cow;

use serde_json::Value;

use super::dial::{Network, PageAnswer, PageRequest};
use crate::snapshot::{Gauge, MetricName, Missed, Page, Sample, Why};

/// The largest answer in JSON that is read, in bytes. All our beans with a Java stack trace each have less than 100 KB; what
/// is made of JSON takes many times its room.
const JSON_LIMIT: usize = 256 * 1024;

/// What Strimzi's agent says with 404 while there is no such gauge (`KafkaAgent.java`, 0.41 to 0.45).
const STRIMZI_WITHOUT_GAUGE: &str = "migration state metric not found";

/// Asks for the page at this URL, and for more where it is an agent's.
pub(super) async fn ask<N: Network>(network: &N, url: &str, names: &[MetricName]) -> Result<Page, Missed> {
    if let Some(base) = jolokia::base(url) {
        return jolokia::read_all(network, &base).await;
    }
    let answer = network.page(&PageRequest::get(url)).await?;
    if let 300..=401 = answer.code {
        granted(&answer)?;
    }
    let said = match json(&answer.text) {
        Ok(said) => said,
        // Of an answer with another code only the beginning may be here.
        Err(missed) => return Err(granted(&answer).err().unwrap_or(missed)),
    };
    if let Some(object) = said.filter(Value::is_object) {
        if let Some(reply) = jolokia::Reply::of(&object) {
            if reply.asked_for_a_bean() {
                return jolokia::one(&reply);
            }
            return jolokia::read_all(network, &jolokia::base_of_answer(url)).await;
        }
        granted(&answer)?;
        return strimzi(&object).ok_or_else(|| not_a_page("JSON, and neither Jolokia's nor that of Strimzi's agent"));
    }
    granted(&answer)?;
    prometheus::read(&answer.text, names)
}

/// The answer to `/v1/kraft-migration/` of Strimzi's agent: `{"state":N}` and nothing else.
fn strimzi(object: &Value) -> Option<Page> {
    let object = object.as_object().filter(|object| object.len() == 1)?;
    let value = number(object.get("state")?)?;
    let labels = vec![("field".to_owned(), "state".to_owned())];
    let sample = Sample { name: Gauge::ZkMigrationState.object_name(), labels, value };
    Some(Page { samples: vec![sample], denied: Vec::new() })
}

/// What the code of HTTP says, if it is not 200.
fn granted(answer: &PageAnswer) -> Result<(), Missed> {
    let code = answer.code;
    Err(match code {
        200 => return Ok(()),
        401 => Missed::new(Why::Denied, "the page wants other credentials (HTTP 401)"),
        403 => Missed::new(Why::Denied, "the page denies us what was asked for (HTTP 403)"),
        300..=399 => not_a_page(format!("HTTP {code}: redirects are not followed")),
        404 if answer.text.contains(STRIMZI_WITHOUT_GAUGE) => Missed::new(
            Why::WithoutMetric,
            "Strimzi's agent has no ZkMigrationState: the node is no controller of 3.5 to 3.9",
        ),
        _ => not_a_page(format!("HTTP {code}")),
    })
}

fn not_a_page(words: impl Into<Cow<'static, str>>) -> Missed {
    Missed::new(Why::NotAPage, words)
}

/// The text as JSON; nothing if it does not begin as JSON does.
fn json(text: &str) -> Result<Option<Value>, Missed> {
    if !text.trim_start().starts_with(['{', '[']) {
        return Ok(None);
    }
    if text.len() > JSON_LIMIT {
        return Err(Missed::new(Why::TooLarge, format!("an answer in JSON of more than {JSON_LIMIT} bytes")));
    }
    match serde_json::from_str(text) {
        Ok(value) => Ok(Some(value)),
        Err(error) => {
            Err(not_a_page(format!("begins as JSON and is none: line {}, column {}", error.line(), error.column())))
        }
    }
}

/// A number as the answer spells it, be it in quotes.
fn number(value: &Value) -> Option<String> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        _ => return None,
    };
    text.parse::<f64>().is_ok().then_some(text)
}
