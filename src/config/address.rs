//! Addresses of nodes: `[ID@]HOST:PORT`.

use std::collections::BTreeMap;

use super::{Refusal, contradiction, node_id, usage};
use crate::observe::Address;
use crate::snapshot::{Endpoint, NodeId};

/// Reads the addresses of one flag. The same one twice is one; an id with two endpoints, or an endpoint with
/// two ids, is a contradiction.
pub(super) fn addresses(flag: &str, texts: &[String]) -> Result<Vec<Address>, Refusal> {
    let mut addresses: Vec<Address> = Vec::new();
    let mut places: BTreeMap<Endpoint, usize> = BTreeMap::new();
    let mut endpoints: BTreeMap<NodeId, Endpoint> = BTreeMap::new();
    for text in texts {
        let Address { id, endpoint } = address(flag, text.trim())?;
        if let Some(id) = id {
            let one = endpoints.entry(id).or_insert_with(|| endpoint.clone());
            if *one != endpoint {
                return Err(contradiction(format!(
                    "{flag}: {id} is given at {one} and at {endpoint}: one node is one endpoint"
                )));
            }
        }
        match places.get(&endpoint).and_then(|place| addresses.get_mut(*place)) {
            None => {
                places.insert(endpoint.clone(), addresses.len());
                addresses.push(Address { id, endpoint });
            }
            Some(other) => match (other.id, id) {
                (Some(one), Some(id)) if one != id => {
                    return Err(contradiction(format!(
                        "{flag}: {endpoint} is given for {one} and for {id}: one endpoint is one node"
                    )));
                }
                (one, id) => other.id = one.or(id),
            },
        }
    }
    Ok(addresses)
}

fn address(flag: &str, text: &str) -> Result<Address, Refusal> {
    if text.contains("://") {
        // Not repeated: it may hold a password.
        return Err(usage(format!("{flag}: a URL is not the address of a node: give [ID@]HOST:PORT")));
    }
    let (id, place) = match text.split_once('@') {
        None => (None, text),
        Some((id, place)) => {
            let id = node_id(id)
                .ok_or_else(|| usage(format!("{flag}: '{id}' in '{text}' is not a node id: give ID@HOST:PORT")))?;
            (Some(id), place)
        }
    };
    let without_port = || usage(format!("{flag}: '{text}' has no port: give [ID@]HOST:PORT, there is no default port"));
    let (host, port) = place.rsplit_once(':').ok_or_else(without_port)?;
    let host = match host.strip_prefix('[') {
        Some(inner) => inner.strip_suffix(']').ok_or_else(without_port)?,
        None if host.contains(':') => {
            return Err(usage(format!(
                "{flag}: '{text}' has several colons: write an IPv6 address in brackets, [::1]:9092"
            )));
        }
        None => host,
    };
    let port = port.parse().ok().filter(|port| *port > 0);
    let port =
        port.ok_or_else(|| usage(format!("{flag}: '{text}' has no port between 1 and 65535: give [ID@]HOST:PORT")))?;
    if host.is_empty() || host.contains(|c: char| c.is_whitespace() || c.is_control() || "/@[]".contains(c)) {
        return Err(usage(format!("{flag}: '{text}' has no host name: give [ID@]HOST:PORT")));
    }
    Ok(Address { id, endpoint: Endpoint { host: host.to_ascii_lowercase(), port } })
}
