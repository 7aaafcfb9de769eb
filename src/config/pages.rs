//! Addresses of metrics pages: a template for every controller, or a URL for one node.

use std::collections::{BTreeMap, BTreeSet};

use super::{Refusal, contradiction, node_id, usage};
use crate::observe::{Address, PageTemplate};
use crate::snapshot::{Depth, Endpoint, NodeId, Owner};

/// The page of each controller, and those that were given for other nodes; and the template, for controllers that are yet
/// to be found. A URL given for an id wins over the template. At stage depth a page of another node is asked for only where
/// some controller's id is not known yet.
pub(super) fn pages(
    flag: &str,
    texts: &[String],
    controllers: &[Address],
    expected: Option<&BTreeSet<NodeId>>,
    depth: Depth,
) -> Result<(BTreeMap<Owner, String>, Option<PageTemplate>), Refusal> {
    let mut pages = BTreeMap::new();
    let mut template = None;
    for text in texts {
        if text.split_once('=').is_none_or(|(id, _)| node_id(id).is_none()) {
            if template.replace(text).is_some() {
                return Err(usage(format!("{flag}: only one template can be given; name single pages as ID=URL")));
            }
            continue;
        }
        for (id, page) in by_id(text) {
            if pages.insert(Owner::Id(id), url(flag, page)?).is_some() {
                return Err(contradiction(format!("{flag}: two pages are given for {id}")));
            }
        }
    }
    let template = template.cloned().map(PageTemplate);
    if let Some(template) = &template {
        let somewhere = Endpoint { host: "controller.example".to_owned(), port: 9093 };
        url(flag, &template.of(Some(1), &somewhere))?;
        for controller in controllers {
            let owner = controller.id.map_or_else(|| Owner::Endpoint(controller.endpoint.clone()), Owner::Id);
            let page = template.of(controller.id, &controller.endpoint);
            if controller.id.is_none() && page.contains("{id}") {
                let place = &controller.endpoint;
                return Err(usage(format!("{flag}: {{id}} needs the id of {place}: give it as -C ID@{place}")));
            }
            let page = url(flag, &page)?;
            pages.entry(owner).or_insert(page);
        }
    }
    let all_known = !controllers.is_empty() && controllers.iter().all(|controller| controller.id.is_some());
    let is_controller = |owner: &Owner| match owner {
        Owner::Endpoint(_) => true,
        Owner::Id(id) => {
            controllers.iter().any(|controller| controller.id == Some(*id))
                || expected.is_some_and(|ids| ids.contains(id))
        }
    };
    pages.retain(|owner, _| depth == Depth::Content || !all_known || is_controller(owner));
    let mut owners: BTreeMap<&String, &Owner> = BTreeMap::new();
    for (owner, page) in &pages {
        if let Some(other) = owners.insert(page, owner) {
            return Err(contradiction(format!(
                "{flag}: {} and {} have the same page, {page}: one page is one node's",
                words(other),
                words(owner)
            )));
        }
    }
    Ok((pages, template))
}

/// The template of brokers' pages, of which a broker could be asked.
pub(super) fn broker_pages(flag: &str, text: Option<&str>) -> Result<Option<PageTemplate>, Refusal> {
    let Some(text) = text else { return Ok(None) };
    let template = PageTemplate(text.to_owned());
    let somewhere = Endpoint { host: "broker.example".to_owned(), port: 9092 };
    let (one, other) = (template.of(Some(1), &somewhere), template.of(Some(2), &somewhere));
    url(flag, &one)?;
    if one == other && !text.contains("{host}") && !text.contains("{port}") {
        return Err(usage(format!(
            "{flag}: '{one}' would be the page of every broker: put {{host}}, {{id}} or {{port}} in it, or name single \
             pages with --metrics ID=URL"
        )));
    }
    Ok(Some(template))
}

fn words(owner: &Owner) -> String {
    match owner {
        Owner::Id(id) => id.to_string(),
        Owner::Endpoint(endpoint) => endpoint.to_string(),
    }
}

/// `ID=URL[,ID=URL]`: a comma ends a URL only where another `ID=` follows.
fn by_id(text: &str) -> Vec<(NodeId, &str)> {
    let mut pages: Vec<(NodeId, usize, usize)> = Vec::new();
    let mut at = 0;
    for part in text.split(',') {
        let end = at + part.len();
        match part.split_once('=').and_then(|(id, page)| node_id(id).zip(Some(page))) {
            Some((id, page)) => pages.push((id, end - page.len(), end)),
            None => {
                if let Some(last) = pages.last_mut() {
                    last.2 = end;
                }
            }
        }
        at = end + 1;
    }
    pages.into_iter().map(|(id, start, end)| (id, &text[start..end])).collect()
}

/// A URL that we can ask for. What it holds is not repeated where it may hold a password.
fn url(flag: &str, text: &str) -> Result<String, Refusal> {
    if text.contains(['{', '}']) {
        return Err(usage(format!(
            "{flag}: a template knows {{host}}, {{id}} and {{port}}, and nothing else in braces"
        )));
    }
    let url = reqwest::Url::parse(text)
        .map_err(|error| usage(format!("{flag}: not a URL ({error}): give http://HOST:PORT/metrics or ID=URL")))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(usage(format!(
            "{flag}: a URL with a user or password would be seen by everyone on this host; it is refused"
        )));
    }
    match url.scheme() {
        "http" | "https" => Ok(url.into()),
        other => Err(usage(format!("{flag}: '{other}' pages cannot be read: give an http:// or https:// URL"))),
    }
}
