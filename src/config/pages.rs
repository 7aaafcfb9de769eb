//! Addresses of metrics pages: a template for every controller, or a URL for one node.

use std::collections::{BTreeMap, BTreeSet};

use super::{Refusal, contradiction, node_id, usage};
use crate::observe::Address;
use crate::snapshot::NodeId;

const FLAG: &str = "--metrics";

/// The page of each controller. A URL given for an id wins over the template. A page of another node is kept
/// for later depths and not asked for here.
pub(super) fn pages(
    texts: &[String],
    controllers: &[Address],
    expected: Option<&BTreeSet<NodeId>>,
) -> Result<BTreeMap<NodeId, String>, Refusal> {
    let mut pages = BTreeMap::new();
    let mut template = None;
    for text in texts {
        if text.split_once('=').is_none_or(|(id, _)| node_id(id).is_none()) {
            if template.replace(text).is_some() {
                return Err(usage(format!("{FLAG}: only one template can be given; name single pages as ID=URL")));
            }
            continue;
        }
        for (id, page) in by_id(text) {
            if pages.insert(id, url(page)?).is_some() {
                return Err(contradiction(format!("{FLAG}: two pages are given for {id}")));
            }
        }
    }
    if let Some(template) = template {
        for (id, address) in controllers.iter().filter_map(|controller| controller.id.map(|id| (id, controller))) {
            let page = url(&fill(template, id, address)?)?;
            pages.entry(id).or_insert(page);
        }
    }
    let is_controller = |id: &NodeId| {
        controllers.iter().any(|controller| controller.id == Some(*id)) || expected.is_some_and(|ids| ids.contains(id))
    };
    pages.retain(|id, _| is_controller(id));
    let mut owners: BTreeMap<&String, NodeId> = BTreeMap::new();
    for (id, page) in &pages {
        if let Some(other) = owners.insert(page, *id) {
            return Err(contradiction(format!(
                "{FLAG}: {other} and {id} have the same page, {page}: one page is one node's"
            )));
        }
    }
    Ok(pages)
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

fn fill(template: &str, id: NodeId, address: &Address) -> Result<String, Refusal> {
    let host = if address.endpoint.host.contains(':') {
        format!("[{}]", address.endpoint.host)
    } else {
        address.endpoint.host.clone()
    };
    let page = template
        .replace("{host}", &host)
        .replace("{id}", &id.to_string())
        .replace("{port}", &address.endpoint.port.to_string());
    if page.contains(['{', '}']) {
        return Err(usage(format!(
            "{FLAG}: a template knows {{host}}, {{id}} and {{port}}, and nothing else in braces"
        )));
    }
    Ok(page)
}

/// A URL that we can ask for. What it holds is not repeated where it may hold a password.
fn url(text: &str) -> Result<String, Refusal> {
    let url = reqwest::Url::parse(text)
        .map_err(|error| usage(format!("{FLAG}: not a URL ({error}): give http://HOST:PORT/metrics or ID=URL")))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(usage(format!(
            "{FLAG}: a URL with a user or password would be seen by everyone on this host; it is refused"
        )));
    }
    match url.scheme() {
        "http" => Ok(url.into()),
        other => Err(usage(format!("{FLAG}: '{other}' pages cannot be read yet: give an http:// URL"))),
    }
}
