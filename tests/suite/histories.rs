//! Is any verdict wrong in a history that nobody thought of? Random simulated clusters, with restarts, elections,
//! partitions, stale standbys, operators' mistakes, forward and back, seen through lost and late frames.
//!
//! Two laws hold in each: no stage is complete unless each of its conditions held at some moment of the look; and once
//! all of them hold and everything answers, none is withheld longer than two looks. And blocked is only what is in
//! danger. A seed repeats a history.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kraft_check::evaluate::{locate, needs_second_look};
use kraft_check::observe::Plan;
use kraft_check::observe::kept::Kept;
use kraft_check::rehearse::{Cluster, Mode, STEP_MS, Shared, Version};
use kraft_check::report::{Report, Verdict};
use kraft_check::snapshot::{Depth, Expected, Look, NodeId, Snapshot};
use kraft_check::stages::STAGES;
use tokio::time::sleep;

use crate::simulated::{Simulated, Storm, cluster, look_at, plan};
use crate::truth::{conditions, is_in_danger, is_left_over};

/// How many histories a run tries, unless `KRAFT_CHECK_HISTORIES` says otherwise.
const HISTORIES: u64 = 20_000;
/// Histories that were wrong once, or are kept because they are telling.
const OLD_SEEDS: [u64; 7] = [0, 1, 2, 3, 1_882_427_055_170_477, 1_882_427_055_237_484, 1_882_429_111_412_215];
/// How long a cluster needs to settle when nothing hinders it, in milliseconds.
pub(crate) const SETTLE_MS: u64 = 20_000;

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
    /// Its looks share what is kept of the connections, if anything is.
    fn new(seed: u64, keeps: bool) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let version = Version::ALL[random.usize(0..Version::ALL.len())];
        let (brokers, controllers) = (random.i32(1..=4), [1, 3, 3][random.usize(0..3)]);
        let storm = Arc::new(Mutex::new(Storm { percent: 0, random: random.fork() }));
        let weather = Arc::clone(&storm);
        let cluster = Shared::new(cluster(version, brokers, controllers, random.u64(..)));
        let fate = move || weather.lock().expect("no storm panics").fate();
        let network = Simulated::new(cluster.clone(), Box::new(fate));
        let changes = Arc::clone(&network.changes);
        let network = Arc::new(if keeps { Kept::new(network) } else { Kept::nothing(network) });
        let (brokers, controllers): (BTreeSet<NodeId>, BTreeSet<NodeId>) =
            ((1..=brokers).collect(), (3001..=3000 + controllers).collect());
        let with_pages = random.u8(0..5) > 0;
        let declared = random.u8(0..4) > 0;
        let plan = plan(&brokers, &controllers, with_pages);
        let expected =
            Expected { brokers: declared.then_some(brokers), controllers: Some(controllers), cluster_id: None };
        let told =
            vec![format!("seed {seed}: Kafka {version}, {expected:?}, pages {with_pages}, kept connections {keeps}")];
        Self { seed, random, cluster, network, storm, changes, plan, expected, told }
    }

    async fn run(mut self) {
        for _ in 0..self.random.u8(6..24) {
            let act = self.random.u8(0..100);
            let told = self.cluster.with(|cluster| perform(act, cluster, &mut self.random));
            self.told.push(told);
            if self.random.bool() {
                let percent = [0, 0, 10, 40, 80][self.random.usize(0..5)];
                self.change_weather(percent);
                self.watch().await;
            }
        }
        self.change_weather(0);
        self.told.push("everything answers".to_owned());
        self.cluster.with(|cluster| {
            heal(cluster);
            cluster.advance(SETTLE_MS);
        });
        let first = self.watch().await;
        sleep(Duration::from_secs(5)).await;
        let second = self.watch().await;
        self.assert_nothing_is_withheld(&first, &second);
    }

    fn change_weather(&self, percent: u8) {
        self.storm.lock().expect("no storm panics").percent = percent;
        self.changes.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes a look as the program does, a second one where a guard was met, and holds every verdict against the truth.
    async fn watch(&mut self) -> Vec<Report> {
        let (first, mut held) = self.look().await;
        let snapshot = |looks: Vec<Look>, history: &Self| Snapshot {
            depth: Depth::Stage,
            expected: history.expected.clone(),
            metric_names: Vec::new(),
            looks,
        };
        let mut seen = snapshot(vec![first], self);
        let mut danger = held.danger;
        if needs_second_look(&seen) {
            sleep(Duration::from_secs(2)).await;
            let (second, later) = self.look().await;
            danger &= later.danger;
            seen.looks.push(second);
            held = later;
        }
        let reports = locate(&seen).reports;
        for (report, denied) in reports.iter().zip(&held.denied) {
            let verdict = report.verdict;
            if verdict == Verdict::Complete {
                assert!(denied.is_empty(), "{} is complete, but not: {denied:?}\n{}", report.stage, self.story());
                let misled = held.left_over && report.stage == "brokers-in-migration" && held.calm;
                assert!(!misled, "complete over a quorum that is left over\n{}", self.story());
            }
            if verdict == Verdict::Blocked {
                assert!(
                    danger,
                    "{} is blocked, and nothing is wrong: {}\n{}",
                    report.stage,
                    report.summary,
                    self.story()
                );
            }
        }
        reports
    }

    /// One look, and what held while it was taken.
    async fn look(&mut self) -> (Look, Held) {
        let declared = self.expected.brokers.is_some();
        let sampled = Arc::new(Mutex::new(Held::new(&self.cluster, declared)));
        let task = {
            let (sampled, cluster) = (Arc::clone(&sampled), self.cluster.clone());
            tokio::spawn(async move {
                loop {
                    sleep(Duration::from_millis(STEP_MS / 2)).await;
                    sampled.lock().expect("no sample panics").add(&cluster, declared);
                }
            })
        };
        let look = look_at(&self.network, &self.plan).await;
        task.abort();
        let mut held = sampled.lock().expect("no sample panics").clone();
        held.add(&self.cluster, declared);
        held.calm = self.storm.lock().expect("no storm panics").percent == 0;
        (look, held)
    }

    /// Where all of a stage's conditions hold and everything answers, the second look at the latest says so.
    fn assert_nothing_is_withheld(&self, first: &[Report], second: &[Report]) {
        let answers = self.cluster.with(|cluster| {
            let all = cluster.brokers.keys().chain(cluster.quorum.controllers.keys());
            all.copied().all(|id| cluster.is_listening(id))
        });
        if self.plan.pages.is_empty() || !answers {
            return;
        }
        let (danger, left_over) = self.cluster.with(|cluster| (is_in_danger(cluster), is_left_over(cluster)));
        let declared = self.expected.brokers.is_some();
        for (first, second) in first.iter().zip(second) {
            let holds =
                self.cluster.with(|cluster| conditions(first.stage, cluster, declared).iter().all(|(_, holds)| *holds));
            // Before 3.6 nothing tells that nobody is missing of brokers that were discovered.
            let told = declared
                || self.cluster.with(|cluster| cluster.version >= Version::V3_6)
                || !["brokers-migrated", "finalized"].contains(&first.stage);
            let complete = [first, second].map(|report| report.verdict == Verdict::Complete);
            let excused = danger || left_over || !told;
            if holds && !excused {
                assert!(complete[1], "{} is withheld: {}\n{}", first.stage, second.summary, self.story());
            }
        }
    }

    fn story(&self) -> String {
        format!("{}\nrepeat it with KRAFT_CHECK_HISTORY={}", self.told.join("\n  "), self.seed)
    }
}

/// What held while a look was taken.
#[derive(Clone)]
struct Held {
    /// Of every stage, the conditions that held at no moment.
    denied: Vec<BTreeSet<String>>,
    /// Whether it was in danger at some moment.
    danger: bool,
    left_over: bool,
    /// Whether nothing was lost or late.
    calm: bool,
}

impl Held {
    fn new(cluster: &Shared, declared: bool) -> Self {
        let all = |stage: &str| {
            let names = cluster.with(|cluster| conditions(stage, cluster, declared));
            names.into_iter().map(|(name, _)| name).collect()
        };
        let denied = STAGES.iter().map(|stage| all(stage.id)).collect();
        let mut held = Self { denied, danger: false, left_over: true, calm: false };
        held.add(cluster, declared);
        held
    }

    fn add(&mut self, cluster: &Shared, declared: bool) {
        cluster.with(|cluster| {
            for (stage, denied) in STAGES.iter().zip(&mut self.denied).filter(|(_, denied)| !denied.is_empty()) {
                for (name, _) in conditions(stage.id, cluster, declared).iter().filter(|(_, holds)| *holds) {
                    denied.remove(name);
                }
            }
            self.danger |= is_in_danger(cluster);
            self.left_over &= is_left_over(cluster);
        });
    }
}

/// Does something to the cluster, most often what the procedure asks for next, and says what.
pub(crate) fn perform(act: u8, cluster: &mut Cluster, random: &mut fastrand::Rng) -> String {
    let brokers: Vec<NodeId> = cluster.brokers.keys().copied().collect();
    let controllers: Vec<NodeId> = cluster.quorum.controllers.keys().copied().collect();
    let broker = brokers[random.usize(0..brokers.len())];
    let controller = controllers[random.usize(0..controllers.len())];
    let mode = [Mode::Zookeeper, Mode::Migration, Mode::Kraft][random.usize(0..3)];
    let flag = random.bool();
    match act {
        0..45 => next_step(cluster),
        45..50 => previous_step(cluster),
        50..58 => {
            cluster.restart_broker(broker, mode);
            format!("broker {broker} is restarted in {mode:?}")
        }
        58..64 => {
            cluster.restart_controller(controller, flag);
            format!("controller {controller} is restarted, flag {flag}")
        }
        64..68 => {
            let id = if flag { broker } else { controller };
            cluster.stop(id);
            format!("{id} is stopped")
        }
        68..72 => with_controller(cluster, controller, |it| it.cut_off ^= true, "is cut off, or is so no longer"),
        72..75 => {
            let until = cluster.now + random.u64(0..20_000);
            with_controller(cluster, controller, |it| it.stale_until = until, "shows what is old")
        }
        75 => {
            cluster.remove_controllers(true);
            "the controllers are stopped, their data stay".to_owned()
        }
        76 => {
            cluster.remove_controllers(false);
            // Over brokers that run on, only a page would tell that the new quorum does not know them.
            for id in brokers {
                if cluster.brokers[&id].mode == Mode::Kraft {
                    cluster.stop(id);
                }
            }
            "the controllers are removed, and the KRaft brokers stopped".to_owned()
        }
        77..80 => {
            heal(cluster);
            "everything is started and connected again".to_owned()
        }
        _ => {
            let ms = random.u64(0..SETTLE_MS);
            cluster.advance(ms);
            format!("{ms} ms go by")
        }
    }
}

fn with_controller(
    cluster: &mut Cluster,
    id: NodeId,
    change: impl FnOnce(&mut kraft_check::rehearse::Controller),
    what: &str,
) -> String {
    change(cluster.quorum.controllers.get_mut(&id).expect("a controller"));
    format!("controller {id} {what}")
}

/// What the procedure asks for next.
fn next_step(cluster: &mut Cluster) -> String {
    let down: Vec<NodeId> =
        cluster.quorum.controllers.iter().filter(|(_, controller)| !controller.up).map(|(id, _)| *id).collect();
    if !down.is_empty() {
        for id in &down {
            cluster.restart_controller(*id, true);
        }
        return format!("controllers {down:?} are started with the flag");
    }
    let in_mode = |cluster: &Cluster, mode| cluster.brokers.iter().find(|(_, it)| it.mode == mode).map(|(id, _)| *id);
    if let Some(id) = in_mode(cluster, Mode::Zookeeper) {
        cluster.restart_broker(id, Mode::Migration);
        return format!("broker {id} is restarted with the flag");
    }
    if let Some(id) = in_mode(cluster, Mode::Migration) {
        cluster.advance(5_000);
        cluster.restart_broker(id, Mode::Kraft);
        return format!("broker {id} is restarted in KRaft mode");
    }
    let flagged = cluster.quorum.controllers.iter().find(|(_, controller)| controller.flag).map(|(id, _)| *id);
    if let Some(id) = flagged {
        cluster.restart_controller(id, false);
        return format!("controller {id} is restarted without the flag");
    }
    "there is nothing left to do".to_owned()
}

/// What the way back asks for next.
fn previous_step(cluster: &mut Cluster) -> String {
    let in_mode = |cluster: &Cluster, mode| cluster.brokers.iter().find(|(_, it)| it.mode == mode).map(|(id, _)| *id);
    if let Some(id) = in_mode(cluster, Mode::Kraft) {
        cluster.restart_broker(id, Mode::Migration);
        return format!("broker {id} is restarted back in migration mode");
    }
    cluster.remove_controllers(false);
    if let Some(id) = in_mode(cluster, Mode::Migration) {
        cluster.restart_broker(id, Mode::Zookeeper);
        return format!("the controllers are removed, and broker {id} is back on ZooKeeper");
    }
    "the controllers are removed".to_owned()
}

/// Every process runs and reaches the others, as it is configured.
pub(crate) fn heal(cluster: &mut Cluster) {
    for controller in cluster.quorum.controllers.values_mut() {
        controller.cut_off = false;
        controller.stale_until = 0;
    }
    let down: Vec<(NodeId, bool)> =
        cluster.quorum.controllers.iter().filter(|(_, it)| !it.up).map(|(id, it)| (*id, it.flag)).collect();
    for (id, flag) in down {
        cluster.restart_controller(id, flag);
    }
    let down: Vec<(NodeId, Mode)> =
        cluster.brokers.iter().filter(|(_, it)| !it.up).map(|(id, it)| (*id, it.mode)).collect();
    for (id, mode) in down {
        cluster.restart_broker(id, mode);
    }
}

fn run(seed: u64, keeps: bool) {
    under_a_paused_clock(History::new(seed, keeps).run());
}

pub(crate) fn under_a_paused_clock(history: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("an event loop").block_on(history);
}

/// Tries as many histories as this variable says, or else so many, from a new seed on, on every core.
pub(crate) fn try_random(variable: &str, otherwise: u64, run: impl Fn(u64) + Sync) {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    let first = number("KRAFT_CHECK_FIRST_HISTORY").unwrap_or(since_epoch.as_secs() << 20);
    let count = number(variable).unwrap_or(otherwise);
    println!("{count} histories from {first} on");
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let run = &run;
            scope.spawn(move || (first..first + count).skip(thread).step_by(threads).for_each(run));
        }
    });
}

fn run_both_ways(seed: u64) {
    run(seed, false);
    run(seed, true);
}

pub(crate) fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{variable} is a number")))
}

#[test]
fn no_verdict_is_wrong_in_old_histories() {
    OLD_SEEDS.into_iter().for_each(run_both_ways);
}

#[test]
fn no_verdict_is_wrong_in_a_random_history() {
    if let Some(seed) = number("KRAFT_CHECK_HISTORY") {
        return run_both_ways(seed);
    }
    try_random("KRAFT_CHECK_HISTORIES", HISTORIES, |seed| run(seed, seed & 2 > 0));
}
