//! Asks every node everything, once: one look.
//!
//! All nodes are asked on one thread, so many at a time (`workers`), and by one deadline. Failure is data: a
//! look always comes back, and whatever was not seen stands in it with its reason. In this order: everybody who was
//! given, and the brokers that they list; what is not plain by then (`second_round`); controllers that nobody gave, as the
//! brokers or the other controllers tell of them (`discovery`); the leader's metadata log (`log`), and the brokers that
//! stand in it and that nobody lists; what depends on what was answered (`content`). Not here: what an answer means
//! (`signals`), and how often one looks (`command`).

mod answers;
mod content;
pub mod dial;
mod discovery;
mod heard;
mod http;
mod kafka;
pub mod kept;
mod log;
mod login;
mod page;
mod refusal;
mod second_round;
mod workers;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::snapshot::{
    Answer, AskedAs, BrokerLists, Depth, Endpoint, Found, Look, Metadata, MetricName, Missed, NodeId, Owner, PageOf,
    Timestamp,
};
use dial::Network;
use kept::Kept;
use second_round::{Answered, Spokesman};
use workers::{Seen, Target, Workers};

/// Brokers that are asked because others tell of them: a bound on what a lying peer can make us dial.
const LISTED_BROKERS_MAX: usize = 5_000;
/// Controllers that are asked because others tell of them, likewise: several times those of any quorum.
const FOUND_CONTROLLERS_MAX: usize = 50;
/// How often controllers are looked for: one may know more of them than the broker that told of it.
const DISCOVERIES_MAX: usize = 3;

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
    /// Where the page of any other controller is.
    pub controller_pages: Option<PageTemplate>,
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
    let mut round = Round::new(Arc::clone(network), plan, limits);
    for address in &plan.brokers {
        round.ask(Target::Node(AskedAs::Broker, address.clone(), None));
    }
    for address in &plan.controllers {
        round.ask(Target::Node(AskedAs::Controller, address.clone(), None));
    }
    for (owner, url) in &plan.pages {
        round.ask(Target::Page(owner.clone(), url.clone()));
    }
    round.collect().await;
    second_round::ask(&mut round.all, round.spokesman.take().map(|(_, place)| place), plan).await;
    find_controllers(&mut round).await;
    log::ask_leader(network, &mut round.all, limits).await;
    let security = network.network.security(AskedAs::Broker);
    for (id, endpoint) in discovery::brokers(&round.all, &round.lists, security) {
        round.ask_broker(id, endpoint, Found::Log);
    }
    round.collect().await;
    let Round { all: mut answered, mut pages, .. } = round;
    // In the order of the addresses, not of the answers: two looks at one cluster ask and read alike.
    answered.sort_by_cached_key(|it| (it.node.asked_as, it.node.endpoint.clone()));
    content::ask(network, &mut answered, plan.depth, limits).await;
    for answered in &mut answered {
        network.keep(answered);
    }
    pages.sort_by(|a, b| a.owner.cmp(&b.owner));
    let nodes = answered.into_iter().map(|answered| answered.node).collect();
    Look { began: began.wall, ended: Moment::now().wall, nodes, pages }
}

/// Asks the controllers that nobody gave, until nobody tells of another one.
async fn find_controllers<N: Network>(round: &mut Round<'_, N>) {
    for _ in 0..DISCOVERIES_MAX {
        let found = discovery::controllers(&round.all, round.plan);
        let first = round.all.len();
        for (address, found) in found {
            round.ask_controller(address, found);
        }
        round.collect().await;
        if round.all.len() == first {
            return;
        }
        second_round::name_controllers(&mut round.all, round.plan).await;
    }
}

/// Everybody who is asked what everybody is asked, and what came of it.
struct Round<'a, N: Network> {
    network: Arc<Kept<N>>,
    plan: &'a Plan,
    workers: Workers<N>,
    /// Whose pages were asked for.
    paged: BTreeSet<Owner>,
    /// The endpoints that were asked, in each role.
    asked: HashSet<(AskedAs, Endpoint)>,
    /// Brokers whose addresses were given win over what others tell of the same id.
    by_hand: BTreeSet<NodeId>,
    /// The different lists of brokers that were given.
    lists: BrokerLists,
    /// How many more may be asked because others tell of them.
    broker_budget: usize,
    controller_budget: usize,
    all: Vec<Answered<N::Stream>>,
    pages: Vec<PageOf>,
    /// The place of the broker that may speak for the others: it alone of all brokers stays on the line.
    spokesman: Option<(Spokesman, usize)>,
}

impl<'a, N: Network> Round<'a, N> {
    fn new(network: Arc<Kept<N>>, plan: &'a Plan, limits: Limits) -> Self {
        let given = plan.brokers.len() + plan.controllers.len();
        Self {
            network: Arc::clone(&network),
            plan,
            workers: Workers::new(network, plan, limits),
            paged: plan.pages.keys().cloned().collect(),
            asked: HashSet::with_capacity(given),
            by_hand: plan.brokers.iter().filter_map(|address| address.id).collect(),
            lists: BrokerLists::default(),
            broker_budget: LISTED_BROKERS_MAX,
            controller_budget: FOUND_CONTROLLERS_MAX,
            all: Vec::with_capacity(given),
            pages: Vec::new(),
            spokesman: None,
        }
    }

    fn ask(&mut self, target: Target) {
        if let Target::Node(asked_as, address, _) = &target {
            self.asked.insert((*asked_as, address.endpoint.clone()));
        }
        self.workers.ask(target);
    }

    /// Asks a broker that others told of, unless it was asked or its address was given.
    fn ask_broker(&mut self, id: NodeId, endpoint: Endpoint, found: Found) {
        if let Some(template) = self.plan.broker_pages.as_ref().filter(|_| self.plan.depth == Depth::Content)
            && self.paged.len() < LISTED_BROKERS_MAX
        {
            let url = template.of(Some(id), &endpoint);
            self.ask_page(Owner::Id(id), url);
        }
        let is_new = || !self.asked.contains(&(AskedAs::Broker, endpoint.clone()));
        if self.broker_budget > 0 && !self.by_hand.contains(&id) && is_new() {
            self.broker_budget -= 1;
            self.ask(Target::Node(AskedAs::Broker, Address { id: None, endpoint }, Some(found)));
        }
    }

    /// Asks a controller that others told of, and for its page, unless it was asked.
    fn ask_controller(&mut self, Address { id, endpoint }: Address, found: Found) {
        if self.controller_budget == 0 || self.asked.contains(&(AskedAs::Controller, endpoint.clone())) {
            return;
        }
        self.controller_budget -= 1;
        let page = self.plan.controller_pages.as_ref().map(|template| template.of(id, &endpoint));
        // Without its id there is no page whose address needs it.
        if let Some(url) = page.filter(|url| !url.contains("{id}")) {
            self.ask_page(id.map_or_else(|| Owner::Endpoint(endpoint.clone()), Owner::Id), url);
        }
        self.ask(Target::Node(AskedAs::Controller, Address { id: None, endpoint }, Some(found)));
    }

    fn ask_page(&mut self, owner: Owner, url: String) {
        if self.paged.insert(owner.clone()) {
            self.ask(Target::Page(owner, url));
        }
    }

    /// Waits for every answer, and asks the brokers that the answers list.
    async fn collect(&mut self) {
        while let Some(seen) = self.workers.next().await {
            match seen {
                Seen::Page(page) => self.pages.push(page),
                Seen::Node(answered) => self.take(answered),
            }
        }
    }

    fn take(&mut self, mut answered: Box<Answered<N::Stream>>) {
        if let Ok(metadata) = &mut answered.node.metadata.said {
            self.share_list(metadata);
        }
        if answered.node.asked_as == AskedAs::Broker {
            self.let_speak(&mut answered);
        }
        self.all.push(*answered);
    }

    /// Keeps the broker on the line if it may speak for the others better than the one before it.
    fn let_speak(&mut self, answered: &mut Answered<N::Stream>) {
        let endpoint = &answered.node.endpoint;
        let best = self.spokesman.and_then(|(rank, place)| Some((rank, &self.all.get(place)?.node.endpoint)));
        // Where a node is, is plain at once. What it is takes a walk through its list, and mostly changes nothing.
        let cannot = best.is_some_and(|(rank, first)| rank == Spokesman::KraftBroker && first < endpoint);
        let rank = if cannot { None } else { answered.spokesman(self.plan) };
        match rank.filter(|rank| best.is_none_or(|best| (*rank, endpoint) < best)) {
            Some(rank) => {
                let former = self.spokesman.replace((rank, self.all.len()));
                if let Some(former) = former.and_then(|(_, place)| self.all.get_mut(place)) {
                    self.network.keep(former);
                }
            }
            None => self.network.keep(answered),
        }
    }

    /// Takes the list that others gave before, if it is the same; otherwise asks the brokers on it that were not asked yet.
    fn share_list(&mut self, metadata: &mut Metadata) {
        if !self.lists.share(&mut metadata.brokers) {
            return;
        }
        for (id, endpoint) in &*metadata.brokers {
            self.ask_broker(*id, endpoint.clone(), Found::Metadata);
        }
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
