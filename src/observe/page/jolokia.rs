//! Jolokia, versions 1 and 2: JMX over HTTP.
//!
//! One bean by its read URL, or every bean that we know by the agent's base: by one POST, and where a policy takes none by
//! one GET each. Errors come with HTTP 200 and stand inside; what a policy denies of one bean says nothing of the others.
//! Answers are told by the bean that they repeat, whose keys Jolokia puts in order, never by their place.

use serde_json::{Value, json};

use super::{granted, not_a_page, number};
use crate::observe::dial::{Network, PageAnswer, PageRequest};
use crate::snapshot::{Gauge, Missed, Page, Sample, Why};

const OK: u64 = 200;
const UNAUTHORIZED: u64 = 401;
const FORBIDDEN: u64 = 403;

/// The base of the agent, if the URL says that it is one. With a slash at its end, without which the agent answers 404.
pub(super) fn base(url: &str) -> Option<String> {
    let base = before_query(url).trim_end_matches('/');
    base.ends_with("/jolokia").then(|| format!("{base}/"))
}

/// The base of an agent that answered at this URL with something else than a bean: at another path than is usual.
pub(super) fn base_of_answer(url: &str) -> String {
    let base = before_query(url).trim_end_matches('/');
    format!("{}/", base.strip_suffix("/version").unwrap_or(base))
}

fn before_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or(url)
}

/// One answer of Jolokia's, with its own code inside.
pub(super) struct Reply<'a> {
    answer: &'a Value,
    code: u64,
}

impl<'a> Reply<'a> {
    /// Reads an object that is one.
    pub(super) fn of(answer: &'a Value) -> Option<Self> {
        let code = answer.get("status")?.as_u64()?;
        let repeats = answer.get("request").is_some_and(|request| request.get("type").is_some());
        let is_jolokias = repeats || answer.get("error_type").is_some();
        is_jolokias.then_some(Self { answer, code })
    }

    /// Whether it is about a bean, and not about the agent.
    pub(super) fn asked_for_a_bean(&self) -> bool {
        self.bean().is_some()
    }

    fn bean(&self) -> Option<&'a str> {
        self.answer.get("request")?.get("mbean")?.as_str()
    }

    /// Which of our gauges it is about.
    fn gauge(&self) -> Option<Gauge> {
        let bean = keys(self.bean()?);
        Gauge::ALL.into_iter().find(|gauge| keys(&gauge.object_name()) == bean)
    }

    fn denies(&self) -> bool {
        [UNAUTHORIZED, FORBIDDEN].contains(&self.code)
    }

    /// The gauge's value, alone or as the one attribute of its bean.
    fn value(&self) -> Option<String> {
        let value = self.answer.get("value")?;
        number(value.get("Value").unwrap_or(value))
    }

    /// Adds what it says to the page; what it says of beans that are not ours, or not there, is nothing.
    fn add_to(&self, page: &mut Page) -> Result<(), Missed> {
        let Some(gauge) = self.gauge() else { return Ok(()) };
        if self.denies() {
            page.denied.push(gauge);
        } else if self.code == OK {
            let value = self.value();
            let value = value.ok_or_else(|| not_a_page(format!("Jolokia's value of {} is no number", gauge.bean())))?;
            page.samples.push(Sample { name: gauge.object_name(), labels: Vec::new(), value });
        }
        Ok(())
    }
}

/// The domain and the keys of a bean's name, in order.
fn keys(bean: &str) -> (&str, Vec<&str>) {
    let (domain, keys) = bean.split_once(':').unwrap_or((bean, ""));
    let mut keys: Vec<&str> = keys.split(',').collect();
    keys.sort_unstable();
    (domain, keys)
}

/// The page of one bean, whose read URL was given.
pub(super) fn one(reply: &Reply<'_>) -> Result<Page, Missed> {
    let Some(gauge) = reply.gauge() else {
        return Err(not_a_page("Jolokia reads another bean there than those of kafka.controller:type=KafkaController"));
    };
    let mut page = Page { samples: Vec::new(), denied: Vec::new() };
    reply.add_to(&mut page)?;
    if !page.denied.is_empty() {
        return Err(Missed::new(Why::Denied, format!("Jolokia's policy denies reading {}", gauge.bean())));
    }
    if page.samples.is_empty() {
        let words = format!("Jolokia has no {}: the node is starting, or no controller that has it", gauge.bean());
        return Err(Missed::new(Why::WithoutMetric, words));
    }
    Ok(page)
}

/// Every gauge that the agent lets us read.
pub(super) async fn read_all<N: Network>(network: &N, base: &str) -> Result<Page, Missed> {
    if let Some(page) = in_one(network, base).await? {
        return Ok(page);
    }
    let mut page = Page { samples: Vec::new(), denied: Vec::new() };
    for gauge in Gauge::ALL {
        let url = format!("{base}read/{}/Value", gauge.object_name());
        let answer = network.page(&PageRequest::get(url)).await?;
        match reply_in(&answer)? {
            Some(reply) => Reply::of(&reply).map_or(Ok(()), |reply| reply.add_to(&mut page))?,
            None if answer.code == 403 => page.denied.push(gauge),
            None => return Err(granted(&answer).err().unwrap_or_else(|| not_a_page("not an answer of Jolokia's"))),
        }
    }
    readable(page)
}

/// Every gauge by one request; nothing where that is refused and others may not be.
async fn in_one<N: Network>(network: &N, base: &str) -> Result<Option<Page>, Missed> {
    let question = |gauge: Gauge| json!({"type": "read", "mbean": gauge.object_name(), "attribute": "Value"});
    let body = Value::from(Gauge::ALL.map(question).to_vec()).to_string();
    let answer = network.page(&PageRequest { url: base.to_owned(), body: Some(body) }).await?;
    if let 403..=405 = answer.code {
        return Ok(None);
    }
    granted(&answer)?;
    let Some(Value::Array(replies)) = super::json(&answer.text)? else {
        return match reply_in(&answer)? {
            Some(_) => Ok(None),
            None => Err(not_a_page("not an answer of Jolokia's")),
        };
    };
    let mut page = Page { samples: Vec::new(), denied: Vec::new() };
    for reply in replies.iter().filter_map(Reply::of) {
        reply.add_to(&mut page)?;
    }
    // A policy that takes no POST denies each bean of it, with HTTP 200.
    Ok((!page.samples.is_empty() || page.denied.is_empty()).then_some(page))
}

/// The answer, if it is one of Jolokia's.
fn reply_in(answer: &PageAnswer) -> Result<Option<Value>, Missed> {
    Ok(super::json(&answer.text)?.filter(|reply| Reply::of(reply).is_some()))
}

/// The page, unless all that it says is that we may read nothing.
fn readable(page: Page) -> Result<Page, Missed> {
    if page.samples.is_empty() && Gauge::ALL.iter().all(|gauge| page.denied.contains(gauge)) {
        return Err(Missed::new(Why::Denied, "Jolokia's policy lets us read no bean of KafkaController"));
    }
    Ok(page)
}
