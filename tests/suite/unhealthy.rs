//! Is any cluster called healthy that is not, in a history that nobody thought of? Random simulated clusters, what operators
//! do to them, every fault that a rehearsal knows, partitions that move, and frames that are lost and late.
//!
//! Two laws hold in each: health is never complete unless everything that it is was so at some moment of its two looks;
//! and of a cluster that is calm and boring it says so at the second time at the latest. A seed repeats a history.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kraft_check::evaluate::{evaluate_tables, needs_second_look};
use kraft_check::observe::Plan;
use kraft_check::observe::kept::Kept;
use kraft_check::rehearse::{Affliction, Afflicts, Cluster, Fault, Faults, STEP_MS, Shared, Version};
use kraft_check::report::{Report, Standing, Verdict};
use kraft_check::snapshot::{Depth, Expected, Look, NodeId, Snapshot};
use kraft_check::stages::HEALTH;
use tokio::time::sleep;

use crate::ailments::{Watched, fetches, has_no_topics, healthy, is_any_fenced};
use crate::histories::{SETTLE_MS, heal, number, perform, try_random, under_a_paused_clock};
use crate::simulated::{Simulated, Storm, cluster, content_plan, look_at};
use crate::truth::{is_in_danger, is_left_over};

/// How many histories a run tries, unless `KRAFT_CHECK_HEALTH_HISTORIES` says otherwise.
const HISTORIES: u64 = 2_000;
/// Histories that were wrong once, some of them by their truth.
const OLD_SEEDS: [u64; 9] = [
    0,
    1,
    508_601,
    1_882_441_513_959_433,
    1_882_441_652_372_744,
    1_882_442_595_048_503,
    1_882_442_864_544_267,
    1_883_133_279_470_120,
    1_883_133_590_897_044,
];

/// A cluster, how it is watched, and chance.
struct History {
    seed: u64,
    random: fastrand::Rng,
    cluster: Shared,
    network: Arc<Kept<Simulated>>,
    storm: Arc<Mutex<Storm>>,
    changes: Arc<AtomicU32>,
    plan: Plan,
    expected: Expected,
    told: Vec<String>,
}

impl History {
    fn new(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let version = Version::ALL[random.usize(0..Version::ALL.len())];
        let (brokers, controllers) = (random.i32(1..=4), [1, 3, 3][random.usize(0..3)]);
        let storm = Arc::new(Mutex::new(Storm { percent: 0, random: random.fork() }));
        let weather = Arc::clone(&storm);
        let cluster = Shared::new(cluster(version, brokers, controllers, random.u64(..)));
        let network =
            Simulated::new(cluster.clone(), Box::new(move || weather.lock().expect("no storm panics").fate()));
        let changes = Arc::clone(&network.changes);
        let network = Arc::new(if random.bool() { Kept::new(network) } else { Kept::nothing(network) });
        let with_quorum = random.u8(0..8) > 0;
        let brokers: BTreeSet<NodeId> = (1..=brokers).collect();
        let controllers: BTreeSet<NodeId> = (3001..=3000 + controllers).filter(|_| with_quorum).collect();
        let plan = content_plan(&brokers, &controllers, random.u8(0..5) > 0);
        let declared = random.u8(0..4) > 0;
        let expected = Expected {
            brokers: declared.then_some(brokers),
            controllers: with_quorum.then_some(controllers),
            cluster_id: None,
        };
        let pages = plan.broker_pages.is_some();
        let told = vec![format!("seed {seed}: Kafka {version}, {expected:?}, pages {pages}")];
        Self { seed, random, cluster, network, storm, changes, plan, expected, told }
    }

    async fn run(mut self) {
        for _ in 0..self.random.u8(4..14) {
            let told = self.cluster.with(|cluster| act(cluster, &mut self.random));
            self.told.push(told);
            if self.random.u8(0..4) == 0 {
                let percent = [0, 0, 0, 10, 40][self.random.usize(0..5)];
                self.change_weather(percent);
                self.watch().await;
            }
        }
        self.change_weather(0);
        self.told.push("everything is well and answers".to_owned());
        self.cluster.with(|cluster| {
            cluster.faults = Faults::default();
            heal(cluster);
            let topics = Arc::clone(&cluster.topics);
            // Nobody ends what is moved while nobody rules.
            cluster.advance(SETTLE_MS);
            for topic in topics.iter() {
                (0..topic.partitions.len()).for_each(|index| cluster.end_reassignment(topic.name, index));
            }
            cluster.advance(SETTLE_MS);
        });
        self.watch().await;
        let (report, held) = self.watch().await;
        self.assert_nothing_is_withheld(&report, &held);
    }

    fn change_weather(&self, percent: u8) {
        self.storm.lock().expect("no storm panics").percent = percent;
        self.changes.fetch_add(1, Ordering::Relaxed);
    }

    fn watched(&self) -> Watched {
        Watched {
            declared: self.expected.brokers.is_some(),
            quorum: self.expected.controllers.is_some(),
            pages: self.plan.broker_pages.is_some() && self.storm.lock().expect("no storm panics").percent == 0,
        }
    }

    /// Takes two looks as the program does, and holds health against what was so meanwhile.
    async fn watch(&mut self) -> (Report, Held) {
        let held = Arc::new(Mutex::new(Held::new(&self.cluster, self.watched())));
        let task = {
            let (held, cluster, watched) = (Arc::clone(&held), self.cluster.clone(), self.watched());
            tokio::spawn(async move {
                loop {
                    sleep(Duration::from_millis(STEP_MS / 2)).await;
                    held.lock().expect("no sample panics").add(&cluster, watched);
                }
            })
        };
        let snapshot = |looks: Vec<Look>, history: &Self| Snapshot {
            depth: Depth::Content,
            expected: history.expected.clone(),
            metric_names: Vec::new(),
            looks,
        };
        let mut seen = snapshot(vec![look_at(&self.network, &self.plan).await], self);
        held.lock().expect("no sample panics").begin_second(&self.cluster);
        sleep(Duration::from_secs(if needs_second_look(&seen) { 2 } else { 1 })).await;
        seen.looks.push(look_at(&self.network, &self.plan).await);
        task.abort();
        let mut held = held.lock().expect("no sample panics").clone();
        held.add(&self.cluster, self.watched());
        let report = evaluate_tables(&[&HEALTH], None, &seen);
        if report.verdict == Verdict::Complete {
            assert!(held.denied.is_empty(), "healthy, but not: {:?}\n{}", held.denied, self.story());
            let quorum = self.watched().quorum;
            assert!(!quorum || held.is_one_leader_fetched_from(), "healthy, and the quorum moves\n{}", self.story());
        }
        self.told.push(format!("health is {}: {}", report.verdict.word(), report.summary));
        (report, held)
    }

    /// Where everything is well and everybody answers, health says so.
    fn assert_nothing_is_withheld(&self, report: &Report, held: &Held) {
        let watched = self.watched();
        let excused = self.cluster.with(|cluster| {
            let all = cluster.brokers.keys().chain(cluster.quorum.controllers.keys());
            let is_silent = |id: &NodeId| !cluster.is_listening(*id);
            // The log tells of it, also where nobody watches the pages.
            let is_fenced = is_any_fenced(cluster);
            is_in_danger(cluster)
                || is_left_over(cluster)
                || has_no_topics(cluster)
                || is_fenced
                || all.into_iter().any(is_silent)
        });
        let well = self.cluster.with(|cluster| healthy(cluster, watched).iter().all(|(_, is_so)| *is_so));
        if well && watched.quorum && held.denied.is_empty() && !excused {
            let fails = |standing| matches!(standing, Standing::NotYet | Standing::Unknown);
            let failing: Vec<&str> =
                report.findings.iter().filter(|it| fails(it.standing)).map(|it| it.message.as_str()).collect();
            assert_eq!(report.verdict, Verdict::Complete, "it is well: {failing:#?}\n{}", self.story());
        }
    }

    fn story(&self) -> String {
        format!("{}\nrepeat it with KRAFT_CHECK_HEALTH_HISTORY={}", self.told.join("\n  "), self.seed)
    }
}

/// Who leads in which epoch, and of every voter the moments at which it was known to have fetched.
type Fetched = BTreeMap<(NodeId, i32, NodeId), BTreeSet<u64>>;

/// What was so while two looks were taken.
#[derive(Clone)]
struct Held {
    /// What was so at no moment.
    denied: BTreeSet<String>,
    /// What the quorum did during the first look, and from then on.
    fetched: [Fetched; 2],
    /// Which look is taken.
    look: usize,
    voters: usize,
}

impl Held {
    fn new(cluster: &Shared, watched: Watched) -> Self {
        let denied = cluster.with(|cluster| healthy(cluster, watched)).into_iter().map(|(name, _)| name).collect();
        let voters = cluster.with(|cluster| cluster.quorum.controllers.len());
        let mut held = Self { denied, fetched: [Fetched::new(), Fetched::new()], look: 0, voters };
        held.add(cluster, watched);
        held
    }

    fn begin_second(&mut self, cluster: &Shared) {
        // Whoever was elected at the end of the first look led in both.
        self.add_fetches(cluster);
        self.look = 1;
        self.add_fetches(cluster);
    }

    fn add(&mut self, cluster: &Shared, watched: Watched) {
        if !self.denied.is_empty() {
            for (name, _) in cluster.with(|cluster| healthy(cluster, watched)).into_iter().filter(|(_, is_so)| *is_so) {
                self.denied.remove(&name);
            }
        }
        self.add_fetches(cluster);
    }

    fn add_fetches(&mut self, cluster: &Shared) {
        for (leader, epoch, voter, at) in cluster.with(|cluster| fetches(cluster)) {
            self.fetched[self.look].entry((leader, epoch, voter)).or_default().insert(at);
        }
    }

    /// Whether somebody led in one epoch in both looks, and every voter fetched from it meanwhile.
    fn is_one_leader_fetched_from(&self) -> bool {
        let [first, second] = &self.fetched;
        let leaders: BTreeSet<(NodeId, i32)> = first.keys().map(|(leader, epoch, _)| (*leader, *epoch)).collect();
        let moved = |(leader, epoch, voter): &(NodeId, i32, NodeId), moments: &BTreeSet<u64>| {
            let before = first.get(&(*leader, *epoch, *voter)).and_then(BTreeSet::first);
            leader == voter || before.is_some_and(|before| moments.last() > Some(before))
        };
        leaders.into_iter().any(|(leader, epoch)| {
            let of_leader = second.iter().filter(|((other, in_epoch, _), _)| (*other, *in_epoch) == (leader, epoch));
            of_leader.filter(|(key, moments)| moved(key, moments)).count() == self.voters
        })
    }
}

/// Does something to the cluster: what the procedure or chance asks for, a fault, or a partition that moves.
fn act(cluster: &mut Cluster, random: &mut fastrand::Rng) -> String {
    let brokers: Vec<NodeId> = cluster.brokers.keys().copied().collect();
    let controllers: Vec<NodeId> = cluster.quorum.controllers.keys().copied().collect();
    let broker = brokers[random.usize(0..brokers.len())];
    let controller = controllers[random.usize(0..controllers.len())];
    let topic = ["audit", "orders", "payments"][random.usize(0..3)];
    match random.u8(0..10) {
        0..5 => {
            let act = random.u8(0..100);
            perform(act, cluster, random)
        }
        5..7 => {
            let fault = Fault::ALL[random.usize(0..Fault::ALL.len())];
            let node = match fault.afflicts() {
                Afflicts::Brokers => broker,
                Afflicts::Any => {
                    if random.bool() {
                        broker
                    } else {
                        controller
                    }
                }
                // One alone that says it leads has a majority.
                Afflicts::Controllers if fault == Fault::TwoLeaders && controllers.len() == 1 => {
                    return "there is no second leader".to_owned();
                }
                Afflicts::Controllers => controller,
                Afflicts::Strangers => return "nobody comes".to_owned(),
            };
            cluster.faults.add(Affliction { node, fault });
            format!("{node} has {}", fault.name())
        }
        7 => {
            cluster.begin_reassignment(topic, random.usize(0..3), &[broker]);
            format!("a partition of {topic} is to be moved to {broker}")
        }
        8 => {
            cluster.end_reassignment(topic, random.usize(0..3));
            format!("a partition of {topic} has arrived")
        }
        _ => {
            cluster.faults = Faults::default();
            cluster.advance(SETTLE_MS);
            "every fault is mended".to_owned()
        }
    }
}

fn run(seed: u64) {
    under_a_paused_clock(History::new(seed).run());
}

#[test]
fn health_is_not_wrong_in_old_histories() {
    OLD_SEEDS.into_iter().for_each(run);
}

#[test]
fn health_is_not_wrong_in_a_random_history() {
    if let Some(seed) = number("KRAFT_CHECK_HEALTH_HISTORY") {
        return run(seed);
    }
    try_random("KRAFT_CHECK_HEALTH_HISTORIES", HISTORIES, run);
}
