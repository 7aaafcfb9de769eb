//! Waits beside real migrations. When something became true is known from the moves and the second opinion of the
//! harness: not before its last step began, and at the latest when that step had settled.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::ask;
use crate::cluster::{Cluster, SMALLEST, Shape};
use crate::distribution::Distribution;
use crate::node::{BrokerMode, ControllerMode};
use crate::verdicts::{STAGES, V, whole};
use crate::waiter::{Look, Over, Waiter};
use crate::{KAFKA, MIGRATION, POST_MIGRATION};

const PATIENT: [&str; 4] = ["--interval", "2s", "--timeout", "10m"];
/// How long the broker is down that keeps a wait from its end.
const OUTAGE: Duration = Duration::from_secs(15);
/// By how much a busy machine may wake a process late.
const LATE: Duration = Duration::from_millis(500);

/// Something became true in this time.
struct Truth {
    after: Instant,
    by: Instant,
}

impl Truth {
    /// What the last step makes true, and is true when that step has settled.
    fn of(last_step: impl FnOnce()) -> Self {
        let after = Instant::now();
        last_step();
        Self { after, by: Instant::now() }
    }

    /// Holds a wait for it to its end, and returns it: neither too early nor too late, and by the last looks alone.
    fn ends(&self, waiter: Waiter) -> Over {
        let over = waiter.over();
        // A look may have begun just before it was true. The next one begins an interval later, a fifth more at the
        // most, and sees it; and as many as are asked for see it again, each an interval after the one before.
        let samples = u32::try_from(over.rule("samples")).expect("a small number");
        let pauses = Duration::from_millis(over.rule("interval_ms")).mul_f64(1.2) * samples;
        let looks: Duration = over.looks.iter().rev().take(samples as usize + 1).map(Look::took).sum();
        let latest = self.by + pauses + looks + LATE;
        let [after, by, ended, at_the_latest] = [self.after, self.by, over.ended, latest]
            .map(|moment| moment.saturating_duration_since(over.began).as_secs_f64());
        println!(
            "{:<22} true between {after:.1} s and {by:.1} s, ended at {ended:.1} s, {at_the_latest:.1} s at the \
             latest, {}",
            over.goal,
            over.story()
        );
        assert_ends_complete(&over);
        let complete = |look: &&Look| look.verdict == V::Ok;
        let too_early = over.looks.iter().filter(complete).find(|look| look.ended < self.after);
        assert!(too_early.is_none(), "{}: {too_early:?}", over.goal);
        assert!(over.ended <= latest, "{}: {pauses:?} of pauses, {looks:?} of looks", over.goal);
        over
    }
}

#[test]
fn a_waiter_for_every_stage_beside_a_whole_migration() {
    let kafka = Distribution::fetch(KAFKA);
    let mut cluster = Cluster::start(&kafka, Shape { brokers: 2, controllers: 3, topics: true, ..SMALLEST });
    let [first, second, third, fourth] = STAGES;
    let goals = [first, second, third, fourth, "healthy"];
    let mut waiters = goals.map(|goal| Waiter::begin(goal, &whole(&cluster), &PATIENT));
    for waiter in &mut waiters {
        assert_ne!(waiter.next_look().verdict, V::Ok);
    }
    let [provisioned, in_migration, migrated, finalized, healthy] = waiters;

    let truth = Truth::of(|| cluster.provision_controllers());
    truth.ends(provisioned);
    truth.ends(healthy);

    cluster.restart_broker(1, BrokerMode::Migration);
    cluster.stop(2);
    let truth = Truth::of(|| {
        cluster.restart_broker(2, BrokerMode::Migration);
        cluster.await_state(MIGRATION);
    });
    truth.ends(in_migration);

    a_restart_between_two_looks(&mut cluster);
    let delayed = an_outage_in_the_middle_of_the_roll(&mut cluster);
    cluster.stop(2);
    let truth = Truth::of(|| cluster.restart_broker(2, BrokerMode::Kraft));
    truth.ends(migrated);
    assert_was_told_that_it_is_slow(&truth.ends(delayed), &cluster);

    let last = *cluster.controller_ids().end();
    for id in cluster.controller_ids().filter(|id| *id != last) {
        cluster.restart_controller(id, ControllerMode::Finalized);
    }
    cluster.stop(last);
    let truth = Truth::of(|| {
        cluster.restart_controller(last, ControllerMode::Finalized);
        cluster.await_state(POST_MIGRATION);
    });
    truth.ends(finalized);
}

/// Broker 1 goes to KRaft while a wait is held that has a connection to it: the next look finds that one dead, and the
/// broker as it is now. Then the wait is told to end, and says what it saw last.
fn a_restart_between_two_looks(cluster: &mut Cluster) {
    let mut steady = Waiter::begin(STAGES[1], &whole(cluster), &["--interval", "1s", "--stable-for", "5m"]);
    let before = [steady.next_look(), steady.next_look()];
    steady.hold(true);
    let truth = Truth::of(|| cluster.restart_broker(1, BrokerMode::Kraft));
    steady.hold(false);
    let met = [steady.next_look(), steady.next_look()];
    for look in before.iter().chain(&met) {
        assert_eq!((look.verdict, look.unknown), (V::Ok, 0), "{look:?}");
    }
    // Nobody knows what was meanwhile.
    assert!(before[1].stable > Duration::ZERO && met[0].stable == Duration::ZERO, "{before:?}, {met:?}");

    let asked = Instant::now();
    steady.terminate();
    let over = steady.over();
    let took = over.ended.saturating_duration_since(asked);
    let restart = truth.by.saturating_duration_since(truth.after).as_secs_f64();
    println!("a broker was restarted in {restart:.1} s between two looks; over {took:?} after SIGTERM");
    assert!(took < Duration::from_secs(1), "{took:?}");
    let report = &over.report;
    assert_eq!(over.exit.signal(), Some(15), "{report:#}");
    assert_eq!(report["exit_code"], 143);
    assert_eq!((&report["verdict"], &report["wait"]["ended_by"]), (&"complete".into(), &"interrupted".into()));
    assert_eq!((&report["errors"], &report["findings"]), (&Value::Array(Vec::new()), &Value::Array(Vec::new())));
    assert_eq!(over.named("interrupted").len(), 1);
}

/// Broker 2 is down for a while, and comes back as it was: a wait sees it go and come, and goes on.
fn an_outage_in_the_middle_of_the_roll(cluster: &mut Cluster) -> Waiter {
    let hook = format!("sh -c 'cat > \"$1\"' hook '{}'", told_slow(cluster).display());
    let more = ["--interval", "1s", "--timeout", "10m", "--slow-after", "10s", "--on-slow", &hook];
    let mut delayed = Waiter::begin(STAGES[2], &whole(cluster), &more);
    let before = delayed.next_look();
    assert_eq!((before.verdict, before.unknown), (V::No, 0), "{before:?}");
    cluster.stop(2);
    let stopped = Instant::now();
    let during = delayed.look_begun_after(stopped);
    assert_eq!(during.verdict, V::Huh, "{during:?}");
    sleep(OUTAGE.saturating_sub(stopped.elapsed()));
    cluster.start_again(2);
    let back = delayed.look_begun_after(Instant::now());
    assert_eq!((back.verdict, back.unknown), (V::No, 0), "{back:?}");
    delayed
}

fn assert_was_told_that_it_is_slow(over: &Over, cluster: &Cluster) {
    let told: Value = serde_json::from_slice(&fs::read(told_slow(cluster)).expect("it was told")).expect("JSON");
    assert_eq!(over.named("slow"), [&told], "once, and as it stands in the stream");
    assert_eq!((&told["kind"], &told["verdict"]), (&"event".into(), &"unknown".into()));
    let hook = &over.named("hook")[0]["hook"];
    assert_eq!((&hook["name"], &hook["exit_code"]), (&"on-slow".into(), &0.into()));
    let at = told["elapsed_ms"].as_u64().expect("a time");
    println!("said to be slow after {at} ms");
    assert!(at >= 10_000, "{told:#}");
}

#[test]
fn a_copy_that_never_comes_is_no_progress() {
    let mut cluster = Cluster::start(&Distribution::fetch(KAFKA), SMALLEST);
    cluster.provision_controllers();
    cluster.set_protocol_version("3.8");
    cluster.restart_broker(1, BrokerMode::Migration);
    let leader = cluster.leader();
    let controller = cluster.endpoint(leader);
    let high_watermark = || ask::quorum(controller).expect("the quorum").high_watermark;
    let (from, began) = (high_watermark(), Instant::now());
    let more = ["--interval", "1s", "--no-progress", "15s", "--timeout", "1m"];
    let over = Waiter::begin(STAGES[1], &whole(&cluster), &more).over();
    let grown = high_watermark() - from;
    let seconds = began.elapsed().as_secs_f64();
    let last_new = over.events.iter().rfind(|event| event["event"] == "progress" || event["looks"] == 1);
    let last_new = last_new.expect("a first look")["elapsed_ms"].as_u64().expect("a time");
    let elapsed = over.report["wait"]["elapsed_ms"].as_u64().expect("a time");
    println!("stalled: {}; something new at {last_new} ms, ended at {elapsed} ms", over.story());
    println!("the log grew by {grown} records in {seconds:.1} s meanwhile");
    assert_eq!(over.exit.code(), Some(124), "{:#}", over.report);
    let report = &over.report;
    assert_eq!((&report["verdict"], &report["wait"]["ended_by"]), (&"not_yet".into(), &"no_progress".into()));
    assert_eq!((&report["exit_code"], &report["retryable"]), (&124.into(), &true.into()));
    let last_look = over.looks.last().expect("looks").took();
    let stood_still = Duration::from_millis(elapsed - last_new);
    assert!(stood_still >= Duration::from_secs(15), "{stood_still:?}");
    assert!(stood_still <= Duration::from_secs(15) + last_look + LATE, "{stood_still:?}, {last_look:?}");
    // An idle quorum is never quite idle, and that is no progress.
    assert!(grown > 15, "{grown} records");
    assert!(over.looks.iter().all(|look| look.verdict == V::No), "{:?}", over.looks);
}

/// Code 0, a report that says so, nothing blocked on the way, and the first looks in a row that were enough.
fn assert_ends_complete(over: &Over) {
    let Over { goal, report, looks, .. } = over;
    assert_eq!(over.exit.code(), Some(0), "{goal}: {report:#}");
    assert_eq!((&report["verdict"], &report["wait"]["ended_by"]), (&"complete".into(), &"complete".into()), "{goal}");
    assert_eq!(report["exit_code"], 0, "{goal}");
    assert_eq!((&report["wait"]["looks"], over.rule("samples")), (&looks.len().into(), 2), "{goal}");
    assert!(looks.iter().all(|look| look.verdict != V::Block), "{goal}: {looks:?}");
    let in_a_row = |pair: &[Look]| pair.iter().all(|look| look.verdict == V::Ok);
    let enough = looks.windows(2).position(in_a_row);
    assert_eq!(enough, looks.len().checked_sub(2), "{goal}: {looks:?}");
}

fn told_slow(cluster: &Cluster) -> PathBuf {
    cluster.folder().join("slow.json")
}
