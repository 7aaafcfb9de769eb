//! Whether everybody can be asked, hop by hop: name, connection, TLS, login, first answer, each right, metrics.
//!
//! Read off a look as health takes it, so that what passes here is what every command needs with the same flags. Pure.
//! Not here: the look itself (`observe`), and what the answers mean for the migration (`evaluate`).

mod rights;

use std::borrow::Cow;
use std::net::IpAddr;
use std::str::FromStr;

use crate::report::{Diagnosis, Examined, Hop, Outcome};
use crate::security::{Access, Security};
use crate::signals::{ALL_TOPICS_SHOWN, Signal, TOPICS_SHOWN, View, state_is_exact};
use crate::snapshot::{AskedAs, Generation, Missed, Node, PageOf, Snapshot, Subject, Why};

use rights::{LOG, METADATA, Tried};
pub use rights::{RIGHTS, Resource, Right};

/// The hops before any right, in the order in which they are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    Dns,
    Tcp,
    Tls,
    Sasl,
    ApiVersions,
}

/// Examines every node of the last look. `access` is how they were spoken to.
#[must_use]
pub fn examine(snapshot: &Snapshot, access: &Access) -> Diagnosis {
    let mut diagnosis = Diagnosis {
        cluster_name: None,
        nodes: Vec::new(),
        warnings: Vec::new(),
        began: snapshot.looks.first().map(|look| look.began).unwrap_or_default(),
        ended: snapshot.looks.last().map(|look| look.ended).unwrap_or_default(),
    };
    let Some(look) = snapshot.looks.last() else { return diagnosis };
    let view = View::new(snapshot, look);
    // Rights are the cluster's: whichever broker is told, the command is the same.
    let broker = view.nodes().find(|(_, node)| node.asked_as == AskedAs::Broker && node.api_versions.said.is_ok());
    let told = broker.map_or_else(|| "HOST:PORT".to_owned(), |(_, node)| node.endpoint.to_string());
    let missing = Missing { topics: hidden_topics(&view), state: !state_is_exact(&view) };
    for (subject, node) in view.nodes() {
        let security = access.of(node.asked_as);
        let mut hops = way(node, security);
        hops.extend(rights(node, security, &told, &missing));
        let pages = look.pages.iter().filter(|page| subject.is_some() && view.page_owner(page) == subject);
        hops.extend(pages.map(|page| metrics(&view, page, tells_state(node))));
        diagnosis.nodes.push(Examined { subject, place: node.endpoint.to_string(), hops });
    }
    // A page whose node was never asked stands by itself.
    let asked: Vec<Option<Subject>> = diagnosis.nodes.iter().map(|node| node.subject).collect();
    for page in &look.pages {
        let owner = view.page_owner(page);
        if owner.is_none() || !asked.contains(&owner) {
            diagnosis.nodes.push(Examined {
                subject: owner,
                place: page.url.clone(),
                hops: vec![metrics(&view, page, false)],
            });
        }
    }
    diagnosis
}

/// The hops up to the first answer.
fn way(node: &Node, security: &Security) -> Vec<Hop> {
    let missed = failing(node);
    let broke = missed.map(|missed| broken_at(missed.why));
    let is_address = IpAddr::from_str(&node.endpoint.host).is_ok();
    let taken = [
        (Way::Dns, !is_address, "the name is known".to_owned()),
        (Way::Tcp, true, "connected".to_owned()),
        (Way::Tls, security.tls.is_some(), "the listener's certificate was verified".to_owned()),
        (Way::Sasl, security.login.is_some(), logged_in(security)),
        (Way::ApiVersions, true, answered(node)),
    ];
    let mut hops = Vec::new();
    for (way, is_taken, words) in taken {
        let failed = missed.filter(|_| broke == Some(way));
        if !is_taken && failed.is_none() {
            continue;
        }
        // Kafka tells its APIs before anybody logs in.
        let is_behind =
            broke.is_some_and(|broke| way > broke) && !(way == Way::ApiVersions && broke == Some(Way::Sasl));
        let name = name(way).to_owned();
        hops.push(match failed {
            Some(missed) => failure(name, missed),
            None if is_behind => hop(name, Outcome::NotTried, "an earlier hop failed".to_owned()),
            None => hop(name, Outcome::Passed, words),
        });
    }
    hops
}

fn name(way: Way) -> &'static str {
    match way {
        Way::Dns => "dns",
        Way::Tcp => "tcp",
        Way::Tls => "tls",
        Way::Sasl => "sasl",
        Way::ApiVersions => "api-versions",
    }
}

/// The reason for which the way to the node ends: at its first answer, or at the login behind it.
fn failing(node: &Node) -> Option<&Missed> {
    let of_login = |missed: &&Missed| broken_at(missed.why) == Way::Sasl;
    let later = [node.metadata.said.as_ref().err(), node.quorum.said.as_ref().err()];
    node.api_versions.said.as_ref().err().or_else(|| later.into_iter().flatten().find(of_login))
}

fn broken_at(why: Why) -> Way {
    match why {
        Why::UnknownHost => Way::Dns,
        Why::Refused | Why::Unreachable | Why::ConnectTimedOut => Way::Tcp,
        Why::TlsExpected
        | Why::TlsNotSpoken
        | Why::TlsUnknownIssuer
        | Why::TlsWrongHostname
        | Why::TlsExpired
        | Why::TlsCaAsServer
        | Why::TlsUnsupportedKey
        | Why::TlsClientRefused
        | Why::TlsAlert
        | Why::TlsFailed => Way::Tls,
        Why::SaslExpected | Why::SaslNotSpoken | Why::SaslMechanism | Why::SaslFailed | Why::NoToken => Way::Sasl,
        _ => Way::ApiVersions,
    }
}

fn logged_in(security: &Security) -> String {
    let Some(login) = &security.login else { return String::new() };
    let user = login.user().map_or_else(String::new, |user| format!(" as {user}"));
    format!("logged in by {}{user}", login.mechanism())
}

fn answered(node: &Node) -> String {
    let Ok(said) = &node.api_versions.said else { return String::new() };
    let role = said.role().map_or_else(|| "another role".to_owned(), |role| role.to_string());
    format!("answered as {role}")
}

/// What is not seen although everybody was asked.
struct Missing {
    /// Why topics are not shown, if they are not.
    topics: Option<Missed>,
    /// Whether the state is not known, or not exactly.
    state: bool,
}

/// What each right came to that this node was asked for.
fn rights(node: &Node, security: &Security, told: &str, missing: &Missing) -> Vec<Hop> {
    let mut hops = Vec::new();
    for right in &RIGHTS {
        for (api, tried) in (right.answers)(node) {
            let name = format!("{} on {}", right.operation, right.resource.words());
            let tried = match (tried, &missing.topics) {
                // Topics that may not be seen are left out of the answer without a word.
                (Tried::Asked(Ok(())), Some(missed)) if api == METADATA => Tried::Asked(Err(missed)),
                (tried, _) => tried,
            };
            match tried {
                Tried::Asked(Ok(())) => hops.push(hop(name, Outcome::Passed, format!("{api} is answered"))),
                Tried::Asked(Err(missed)) if broken_at(missed.why) == Way::Sasl => {}
                Tried::Asked(Err(missed)) if api == LOG && missed.why == Why::Denied && !missing.state => {
                    let words = format!("{}; a controller's metrics page tells as much", missed.words);
                    hops.push(hop(name, Outcome::NotNeeded, words));
                }
                Tried::Asked(Err(missed)) => {
                    let is_granted = matches!(missed.why, Why::Denied | Why::NotShown);
                    let grant = is_granted.then(|| grant(right, security, told));
                    hops.push(Hop { grant, ..failure(name, missed) });
                }
                Tried::Nothing(why) => hops.push(hop(name, Outcome::NotTried, format!("{api}: {why}"))),
                Tried::Never => {}
            }
        }
    }
    hops
}

/// Why topics are not shown, or not all of them, if they are not.
fn hidden_topics(view: &View<'_>) -> Option<Missed> {
    let unseen = |signal: &Signal<bool>| signal.read(view, Subject::Cluster).err().map(|unseen| unseen.missed);
    [TOPICS_SHOWN, ALL_TOPICS_SHOWN].iter().filter_map(unseen).find(|missed| missed.why == Why::NotShown)
}

/// The command that grants the right.
fn grant(right: &Right, security: &Security, told: &str) -> String {
    // Whom a listener takes a certificate's owner for is in its ssl.principal.mapping.rules, and whom a token is for in the
    // token.
    let named = security.login.as_ref().filter(|login| login.mechanism() != "OAUTHBEARER");
    let user = named.and_then(|login| login.user());
    let principal = format!("User:{}", user.unwrap_or("NAME"));
    let principal = shlex::try_quote(&principal).map_or_else(|_| "User:NAME".to_owned(), Cow::into_owned);
    format!(
        "kafka-acls.sh --bootstrap-server {told} --command-config admin.properties --add --allow-principal {principal} \
         --operation {} {}",
        right.operation,
        right.resource.flag()
    )
}

/// Whether the node's page has to tell where the migration stands: a controller's of 3.5 to 3.9 has.
fn tells_state(node: &Node) -> bool {
    let said = node.api_versions.said.as_ref();
    node.asked_as == AskedAs::Controller && said.is_ok_and(|said| said.generation() == Generation::Migrating)
}

fn metrics(view: &View<'_>, page: &PageOf, tells_state: bool) -> Hop {
    let missed = match &page.page.said {
        Ok(_) if tells_state => view.silent_on_state(page),
        Ok(_) => None,
        Err(missed) => Some(missed),
    };
    let name = "metrics".to_owned();
    match missed {
        None => hop(name, Outcome::Passed, page.url.clone()),
        Some(missed) => Hop { words: format!("{}: {}", page.url, missed.words), ..failure(name, missed) },
    }
}

fn hop(name: String, outcome: Outcome, words: String) -> Hop {
    Hop { name, outcome, words, why: None, grant: None }
}

fn failure(name: String, missed: &Missed) -> Hop {
    Hop { why: Some(missed.why), ..hop(name, Outcome::Failed, missed.words.to_string()) }
}
