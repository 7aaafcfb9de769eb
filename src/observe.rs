//! Asks every node everything, once: one look.
//!
//! All nodes are asked at once on one thread, bounded by a semaphore and by one deadline. Failure is data: a
//! look always comes back, and whatever was not seen stands in it with its reason. Not here: what an answer
//! means (`signals`), and how often one looks (`main`).

mod answers;
mod content;
pub mod dial;
mod heard;
mod http;
mod kafka;
pub mod kept;
mod login;
mod page;
mod refusal;
mod second_round;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::snapshot::{
    Answer, AskedAs, BrokerLists, Depth, Endpoint, Look, Metadata, MetricName, Missed, NodeId, Owner, PageOf,
    Timestamp, Why,
};
use dial::Network;
use kept::Kept;
use second_round::{Answered, Spokesman};

/// Brokers that are asked because Metadata lists them: a bound on what a lying peer can make us dial.
const LISTED_BROKERS_MAX: usize = 5_000;

/// Whom to ask, how much, and within which bounds.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How deep to look.
    pub depth: Depth,
    /// Brokers' endpoints; the others are learned from their Metadata.
    pub brokers: Vec<Address>,
    /// Controllers' endpoints.
    pub controllers: Vec<Address>,
    /// Metrics pages: the controllers', and of brokers those that were named.
    pub pages: BTreeMap<Owner, String>,
    /// Where the page of any other broker is; only asked for at content depth.
    pub broker_pages: Option<PageTemplate>,
    /// Metrics of other names than exporters give them.
    pub metric_names: Vec<MetricName>,
    /// Whether controllers are asked for the cluster's id although it is plain without it.
    pub prove_cluster_id: bool,
    /// How long connecting may take, and each request.
    pub request_timeout: Duration,
    /// How long a metrics page may take.
    pub page_timeout: Duration,
    /// How many endpoints and pages are asked at the same time.
    pub concurrency: usize,
}

/// An endpoint, and the id that was given for it by hand.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    /// The id, where one was given.
    pub id: Option<NodeId>,
    /// The endpoint.
    pub endpoint: Endpoint,
}

/// Where metrics pages are: a URL with `{host}`, `{id}` and `{port}` in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageTemplate(pub String);

impl PageTemplate {
    /// The page of this node. Without its id, `{id}` stays as it is.
    #[must_use]
    pub fn of(&self, id: Option<NodeId>, endpoint: &Endpoint) -> String {
        let host = if endpoint.host.contains(':') { format!("[{}]", endpoint.host) } else { endpoint.host.clone() };
        let page = self.0.replace("{host}", &host).replace("{port}", &endpoint.port.to_string());
        id.map_or(page.clone(), |id| page.replace("{id}", &id.to_string()))
    }
}

/// Takes one look at the cluster, which ends by `deadline` at the latest.
pub async fn look<N: Network>(network: &Arc<Kept<N>>, plan: &Plan, deadline: Instant) -> Look {
    network.weed();
    let began = Moment::now();
    let limits = Limits { deadline, request_timeout: plan.request_timeout, page_timeout: plan.page_timeout };
    let mut round = Round {
        network: Arc::clone(network),
        limits,
        permits: Arc::new(Semaphore::new(plan.concurrency)),
        metric_names: plan.metric_names.clone().into(),
        paged: plan.pages.keys().cloned().collect(),
        broker_pages: plan.broker_pages.clone().filter(|_| plan.depth == Depth::Content),
        tasks: JoinSet::new(),
        targets: HashMap::new(),
        asked: BTreeSet::new(),
        lists: BrokerLists::default(),
        listed_budget: LISTED_BROKERS_MAX,
    };
    for address in &plan.brokers {
        round.ask(Target::Node(AskedAs::Broker, address.clone()));
    }
    for address in &plan.controllers {
        round.ask(Target::Node(AskedAs::Controller, address.clone()));
    }
    for (owner, url) in &plan.pages {
        round.ask(Target::Page(owner.clone(), url.clone()));
    }
    let (mut answered, pages, spokesman) = round.collect(plan).await;
    second_round::ask(&mut answered, spokesman, plan).await;
    // In the order of the addresses, not of the answers: two looks at one cluster ask and read alike.
    // By keys of their own, for what was answered is moved once then.
    answered.sort_by_cached_key(|answered| (answered.node.asked_as, answered.node.endpoint.clone()));
    if plan.depth == Depth::Content {
        content::ask(network, &mut answered, limits).await;
    }
    for answered in &mut answered {
        network.keep(answered);
    }
    let nodes = answered.into_iter().map(|answered| answered.node).collect();
    Look { began: began.wall, ended: Moment::now().wall, nodes, pages }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Target {
    Node(AskedAs, Address),
    Page(Owner, String),
}

enum Seen<S> {
    Node(Box<Answered<S>>),
    Page(PageOf),
}

struct Round<N: Network> {
    network: Arc<Kept<N>>,
    limits: Limits,
    permits: Arc<Semaphore>,
    metric_names: Arc<[MetricName]>,
    tasks: JoinSet<Seen<N::Stream>>,
    targets: HashMap<tokio::task::Id, Target>,
    /// Whose pages were asked for.
    paged: BTreeSet<Owner>,
    broker_pages: Option<PageTemplate>,
    /// The endpoints that were asked as brokers.
    asked: BTreeSet<Endpoint>,
    /// The different lists of brokers that were given.
    lists: BrokerLists,
    /// How many more brokers may be asked because Metadata lists them.
    listed_budget: usize,
}

impl<N: Network> Round<N> {
    fn ask(&mut self, target: Target) {
        if let Target::Node(AskedAs::Broker, address) = &target {
            self.asked.insert(address.endpoint.clone());
        }
        let names = Arc::clone(&self.metric_names);
        let task = ask(Arc::clone(&self.network), target.clone(), self.limits, Arc::clone(&self.permits), names);
        let handle = self.tasks.spawn(task);
        self.targets.insert(handle.id(), target);
    }

    /// Waits for every answer, and asks the brokers that the answers list. Also the place of the broker that may speak
    /// for the others: it alone of all brokers stays on the line.
    async fn collect(mut self, plan: &Plan) -> (Vec<Answered<N::Stream>>, Vec<PageOf>, Option<usize>) {
        // Addresses given by hand win over what Metadata advertises for the same id.
        let by_hand: BTreeSet<NodeId> = plan.brokers.iter().filter_map(|address| address.id).collect();
        let mut all: Vec<Answered<N::Stream>> = Vec::new();
        let mut pages = Vec::new();
        let mut spokesman: Option<((Spokesman, Endpoint), usize)> = None;
        while let Some(joined) = self.tasks.join_next().await {
            let seen = match joined {
                Ok(seen) => seen,
                // One broken probe must not cost the report on the others.
                Err(error) => match self.targets.remove(&error.id()) {
                    Some(target) => unseen(target, &Missed::new(Why::Internal, "the probe failed: please report this")),
                    None => continue,
                },
            };
            let mut answered = match seen {
                Seen::Page(page) => {
                    pages.push(page);
                    continue;
                }
                Seen::Node(answered) => *answered,
            };
            if let Ok(metadata) = &mut answered.node.metadata.said {
                self.share_list(metadata, &by_hand);
            }
            if answered.node.asked_as == AskedAs::Broker {
                let rank = answered.spokesman(plan).map(|rank| (rank, answered.node.endpoint.clone()));
                match rank.filter(|rank| spokesman.as_ref().is_none_or(|(best, _)| rank < best)) {
                    Some(rank) => {
                        if let Some(former) = spokesman.replace((rank, all.len())).and_then(|(_, at)| all.get_mut(at)) {
                            self.network.keep(former);
                        }
                    }
                    None => self.network.keep(&mut answered),
                }
            }
            all.push(answered);
        }
        pages.sort_by(|a, b| a.owner.cmp(&b.owner));
        (all, pages, spokesman.map(|(_, place)| place))
    }

    /// Takes the list that others gave before, if it is the same; otherwise asks the brokers on it that were not asked yet.
    fn share_list(&mut self, metadata: &mut Metadata, by_hand: &BTreeSet<NodeId>) {
        if !self.lists.share(&mut metadata.brokers) {
            return;
        }
        for (id, endpoint) in &*metadata.brokers {
            if let Some(template) = &self.broker_pages
                && self.paged.len() < LISTED_BROKERS_MAX
                && self.paged.insert(Owner::Id(*id))
            {
                let url = template.of(Some(*id), endpoint);
                self.ask(Target::Page(Owner::Id(*id), url));
            }
            if self.listed_budget > 0 && !by_hand.contains(id) && !self.asked.contains(endpoint) {
                self.listed_budget -= 1;
                let address = Address { id: None, endpoint: endpoint.clone() };
                self.ask(Target::Node(AskedAs::Broker, address));
            }
        }
    }
}

async fn ask<N: Network>(
    network: Arc<Kept<N>>,
    target: Target,
    limits: Limits,
    permits: Arc<Semaphore>,
    metric_names: Arc<[MetricName]>,
) -> Seen<N::Stream> {
    let permit = tokio::time::timeout_at(limits.deadline, permits.acquire_owned()).await;
    let Ok(Ok(_permit)) = permit else {
        return unseen(target, &Missed::new(Why::TimedOut, "not asked before the deadline"));
    };
    match target {
        Target::Node(asked_as, address) => {
            // Boxed, so that only conversations take the room of one, and not everybody who waits for a permit.
            let (node, talk) = Box::pin(kafka::ask_node(&network, asked_as, address, limits)).await;
            Seen::Node(Box::new(Answered { node, talk }))
        }
        Target::Page(owner, url) => {
            let began = Moment::now();
            let deadline = limits.deadline.min(began.monotonic + limits.page_timeout);
            let page = Box::pin(page::ask(&network.network, &url, &metric_names));
            let said = match tokio::time::timeout_at(deadline, page).await {
                Ok(said) => said,
                Err(_) => Err(Missed::new(Why::TimedOut, "no page in time")),
            };
            Seen::Page(PageOf { owner, url, page: began.answer(0, said) })
        }
    }
}

fn unseen<S>(target: Target, why: &Missed) -> Seen<S> {
    match target {
        Target::Node(asked_as, address) => {
            Seen::Node(Box::new(Answered { node: kafka::unasked(asked_as, address, why), talk: None }))
        }
        Target::Page(owner, url) => Seen::Page(PageOf { owner, url, page: Moment::now().answer(0, Err(why.clone())) }),
    }
}

/// The bounds of one look, as they concern one node.
#[derive(Debug, Clone, Copy)]
struct Limits {
    deadline: Instant,
    request_timeout: Duration,
    page_timeout: Duration,
}

/// A moment, by both clocks: the wall's for the report, the monotonic one for how long something took.
#[derive(Debug, Clone, Copy)]
struct Moment {
    wall: Timestamp,
    monotonic: Instant,
}

impl Moment {
    fn now() -> Self {
        // A clock before 1970 reads as 1970: times in a report are for people, no verdict rests on them.
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { wall: Timestamp(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)), monotonic: Instant::now() }
    }

    /// The answer to a question that was asked at this moment, now that it is in or given up.
    fn answer<T>(self, version: i16, said: Result<T, Missed>) -> Answer<T> {
        let now = Self::now();
        Answer {
            at: now.wall,
            took_us: u64::try_from((now.monotonic - self.monotonic).as_micros()).unwrap_or(u64::MAX),
            version,
            said,
        }
    }
}
