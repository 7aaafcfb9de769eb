//! What comes of waiting for a cluster that moves, stands still, flaps, goes back, falls silent or is blocked? Simulated
//! ones, under a paused clock, through the looks that a real wait takes.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use kraft_check::command::{Goal, Waiter};
use kraft_check::config::{Notices, Waiting};
use kraft_check::exit::{self, Exit, of_report};
use kraft_check::observe::kept::Kept;
use kraft_check::rehearse::{Cluster, Mode, Shared, Version, phases};
use kraft_check::render::{Document, Format, Style, render};
use kraft_check::report::{EndedBy, Report, Verdict, Waited};
use kraft_check::security::Access;
use kraft_check::snapshot::{Expected, NodeId};
use kraft_check::stages::STAGES;
use kraft_check::wait::{Event, Listener, Moment, Moved, Next, Rules, What};
use tokio::time::{Instant, sleep};

use crate::pauses::RULES;
use crate::schema;
use crate::simulated::{Fate, Simulated, cluster, plan};

const BROKERS: [NodeId; 2] = [1, 2];
const CONTROLLERS: [NodeId; 3] = [3001, 3002, 3003];
const SECOND: Duration = Duration::from_secs(1);

/// What is done to a cluster after the look of this number.
type Act<'a> = Box<dyn FnMut(&mut Cluster, u64) + 'a>;

/// What becomes of a cluster, look by look: whoever listens may act on it.
struct Watch<'a> {
    cluster: Shared,
    act: Act<'a>,
    events: Vec<Event>,
    /// When it was told that time passes, and whether anybody had answered in the look before.
    ticks: Vec<(Duration, Option<bool>)>,
}

impl Listener for Watch<'_> {
    fn hear(&mut self, event: &Event) {
        let line = render(&Document::Event(event), Format::Jsonl, Style::default(), &words());
        schema::holds(&serde_json::from_str(&line).expect("one JSON document a line"));
        if let (What::Sample { .. }, Some(seen)) = (&event.what, &event.seen) {
            self.cluster.with(|cluster| (self.act)(cluster, seen.looks));
        }
        self.events.push(event.clone());
    }

    fn tick(&mut self, now: Moment<'_>) {
        self.ticks.push((now.elapsed, now.seen.map(|seen| seen.anybody_answered)));
    }
}

fn words() -> Vec<String> {
    vec!["wait".to_owned(), "a-stage".to_owned()]
}

/// A wait that is over.
struct Over {
    report: Report,
    events: Vec<Event>,
    ticks: Vec<(Duration, Option<bool>)>,
    waited: Waited,
    exit: &'static Exit,
}

impl Over {
    fn named(&self, is: impl Fn(&What) -> bool) -> Vec<&Event> {
        self.events.iter().filter(|event| is(&event.what)).collect()
    }

    fn verdicts(&self) -> Vec<Verdict> {
        let samples = self.named(|what| matches!(what, What::Sample { .. })).into_iter();
        samples.filter_map(|event| event.seen.as_ref()).map(|seen| seen.verdict).collect()
    }
}

/// Brings a cluster to a phase of the rehearsal's way.
fn enter(cluster: &mut Cluster, until: &str) {
    for phase in phases(&BROKERS, &CONTROLLERS) {
        phase.enter(cluster);
        if phase.id == until {
            return;
        }
    }
    panic!("no phase {until}");
}

/// Waits for a stage of a cluster that begins in this phase and is acted on after each look, which has a number.
fn wait(stage: usize, rules: Rules, phase: &str, act: impl FnMut(&mut Cluster, u64)) -> Over {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.expect("an event loop").block_on(async {
        let shared = Shared::new(cluster(Version::V3_9, 2, 3, 7));
        shared.with(|cluster| enter(cluster, phase));
        wait_for(stage, rules, &shared, Box::new(act)).await
    })
}

async fn wait_for(stage: usize, rules: Rules, shared: &Shared, act: Act<'_>) -> Over {
    let (brokers, controllers): (BTreeSet<NodeId>, BTreeSet<NodeId>) = (BROKERS.into(), CONTROLLERS.into());
    let waiting = Waiting {
        access: Access::default(),
        notices: Notices::default(),
        plan: plan(&brokers, &controllers, true),
        expected: Expected { brokers: Some(brokers), controllers: Some(controllers), cluster_id: None },
        look_timeout: Duration::from_secs(30),
        rules,
        hooks: Vec::new(),
    };
    let network = Arc::new(Kept::new(Simulated::new(shared.clone(), Box::new(|| Fate::Calm))));
    let mut watch = Watch { cluster: shared.clone(), act, events: Vec::new(), ticks: Vec::new() };
    let began = Instant::now();
    let mut waiter = Waiter::new(Goal::stage(&STAGES[stage], false), waiting, words());
    let ended_by = waiter.run(&network, &mut watch).await;
    let (report, _) = waiter.came_to(ended_by).expect("a look was taken");
    let ticks = watch.ticks;
    Over { ticks, ..over(report, watch.events, began.elapsed(), rules) }
}

/// What holds of every wait.
fn over(report: Report, events: Vec<Event>, elapsed: Duration, rules: Rules) -> Over {
    let waited = report.wait.expect("it was waited");
    assert!(elapsed <= rules.timeout, "it took {elapsed:?}");
    assert_eq!(waited.elapsed.as_millis(), elapsed.as_millis());
    assert!(matches!(events.first().map(|event| &event.what), Some(What::Started(with)) if *with == rules));
    let samples = || events.iter().filter(|event| matches!(event.what, What::Sample { .. }));
    assert_eq!(samples().count() as u64, waited.looks);
    assert_eq!(samples().next_back().expect("a look").seen.as_ref().expect("it saw").verdict, report.verdict);
    assert!(events.windows(2).all(|two| two[0].elapsed <= two[1].elapsed), "in the order of time");
    let exit = of_report(&report);
    let text = render(&Document::Report(&report), Format::Json, Style::default(), &words());
    let document: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    schema::holds(&document);
    assert_eq!((&document["exit_code"], &document["wait"]["looks"]), (&exit.code.into(), &waited.looks.into()));
    assert_eq!(document["wait"]["ended_by"], waited.ended_by.word());
    Over { report, events, ticks: Vec::new(), waited, exit }
}

#[test]
fn a_migration_that_goes_on_is_waited_for_to_its_end() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    let (over, truth) = runtime.expect("an event loop").block_on(async {
        let shared = Shared::new(cluster(Version::V3_9, 2, 3, 7));
        let began = Instant::now();
        let migration = shared.clone();
        let truth = tokio::spawn(async move {
            for phase in phases(&BROKERS, &CONTROLLERS) {
                migration.with(|cluster| phase.enter(cluster));
                if phase.id == "finalized" {
                    break;
                }
                sleep(20 * SECOND).await;
            }
            began.elapsed()
        });
        let slow = Rules { slow_after: Some(60 * SECOND), slow_repeat: Some(60 * SECOND), ..RULES };
        let rules = Rules { no_progress: Some(30 * SECOND), ..slow };
        let over = wait_for(3, rules, &shared, Box::new(|_, _| ())).await;
        (over, truth.await.expect("it is finalized"))
    });
    assert_eq!((over.waited.ended_by, over.exit), (EndedBy::Complete, &exit::COMPLETE));
    // The first look after it is at most one pause late, and the second one confirms it.
    assert!(over.waited.elapsed >= truth && over.waited.elapsed <= truth + 13 * SECOND, "{:?}", over.waited);
    assert!(over.waited.stable >= 4 * SECOND, "{:?}", over.waited);
    let moved = over.named(|what| matches!(what, What::Progress(moved) if moved.contains(&Moved::Situation)));
    assert!(moved.len() >= 7, "every step is progress: {}", moved.len());
    let slow = over.named(|what| *what == What::Slow);
    let expected = over.waited.elapsed.as_secs() / 64;
    assert!(slow.len() as u64 >= expected && slow.len() as u64 <= over.waited.elapsed.as_secs() / 60, "{}", slow.len());
}

#[test]
fn a_migration_that_stands_still_ends_when_nothing_moved_for_so_long() {
    // The copy waits for ever; the quorum goes on writing a record every half second.
    let rules = Rules { no_progress: Some(90 * SECOND), ..RULES };
    let over = wait(1, rules, "broker-2-in-migration-mode", |_, _| ());
    assert_eq!((over.waited.ended_by, over.exit), (EndedBy::NoProgress, &exit::DEADLINE));
    assert_eq!(over.report.verdict, Verdict::NotYet);
    assert_eq!(over.waited.elapsed.as_secs(), 90);
    assert!(over.named(|what| matches!(what, What::Progress(_))).is_empty(), "{:?}", over.events);
    assert_eq!(over.named(|what| *what == What::Deadline(EndedBy::NoProgress)).len(), 1);
}

/// Stops broker 2 after every second look, and starts it after the others.
fn flap(cluster: &mut Cluster, look: u64) {
    if look % 2 == 1 { cluster.stop(2) } else { cluster.restart_broker(2, Mode::Migration) }
}

#[test]
fn what_flaps_is_neither_stable_nor_progress() {
    let over = wait(1, RULES, "metadata-copied", flap);
    assert_eq!((over.waited.ended_by, over.exit), (EndedBy::Deadline, &exit::DEADLINE));
    let verdicts = over.verdicts();
    let complete = verdicts.iter().filter(|verdict| **verdict == Verdict::Complete).count();
    assert!(complete > 60 && complete < verdicts.len(), "it was seen complete {complete} times");
    assert!(verdicts.windows(2).all(|two| two != [Verdict::Complete; 2]), "and never twice in a row");

    let over = wait(1, Rules { no_progress: Some(90 * SECOND), ..RULES }, "metadata-copied", flap);
    assert_eq!((over.waited.ended_by, over.exit), (EndedBy::NoProgress, &exit::DEADLINE));
    // The last pause is cut short by the time that is left, so chance may show a broker that is only just back: a third
    // situation, and no fourth.
    let situations: BTreeSet<&str> = over.verdicts().into_iter().map(Verdict::word).collect();
    let moved = over.named(|what| matches!(what, What::Progress(_)));
    assert_eq!(moved.len(), situations.len() - 1, "each is new once: {situations:?}, {moved:?}");
    let last = moved.last().expect("complete and unknown are two");
    // While it is complete nothing has to move, so then it is the look after that which ends the wait.
    let still = over.waited.elapsed.saturating_sub(last.elapsed).as_secs();
    assert!((90..97).contains(&still), "{still} s of {:?}", over.waited);
}

#[test]
fn a_migration_that_goes_back_is_not_complete_because_it_once_was() {
    let rules = Rules { samples: 3, timeout: 120 * SECOND, ..RULES };
    let over = wait(2, rules, "broker-2-on-kraft", |cluster, look| {
        if look == 2 {
            cluster.restart_broker(2, Mode::Migration);
        }
    });
    let verdicts = over.verdicts();
    assert_eq!((&verdicts[..2], verdicts[2]), (&[Verdict::Complete; 2][..], Verdict::NotYet));
    assert_eq!((over.waited.ended_by, over.report.verdict), (EndedBy::Deadline, Verdict::NotYet));
    assert_eq!(over.waited.stable, Duration::ZERO);
}

#[test]
fn a_cluster_that_falls_silent_is_asked_less_and_less_until_somebody_answers() {
    let over = wait(2, RULES, "broker-1-on-kraft", |cluster, look| {
        if look == 1 {
            BROKERS.into_iter().chain(CONTROLLERS).for_each(|id| cluster.stop(id));
        }
        if look == 9 {
            cluster.restart_controller(3001, true);
        }
        if look == 10 {
            cluster.stop(3001);
        }
    });
    assert_eq!((over.waited.ended_by, over.exit), (EndedBy::Deadline, &exit::DEADLINE));
    assert_eq!(over.report.verdict, Verdict::Unknown);
    let samples = over.named(|what| matches!(what, What::Sample { .. }));
    let pauses = samples.iter().filter_map(|event| match event.what {
        What::Sample { next: Next::Look(pause), .. } => Some(pause.as_secs_f64()),
        _ => None,
    });
    for (pause, expected) in pauses.zip([5.0, 5.0, 10.0, 20.0, 30.0, 30.0, 30.0, 30.0, 30.0, 5.0, 5.0, 10.0]) {
        assert!((expected * 0.8..=expected * 1.2).contains(&pause), "{pause} for {expected}");
    }
    // The last pause would have ended after the deadline, and is not slept.
    assert!(over.waited.elapsed + 36 * SECOND >= RULES.timeout, "{:?}", over.waited);
}

#[test]
fn blocked_is_waited_for_as_often_as_asked_and_no_longer() {
    let lose_flag = |cluster: &mut Cluster, look: u64| {
        if look == 1 {
            cluster.restart_broker(2, Mode::Zookeeper);
        }
    };
    let over = wait(2, Rules { blocked_samples: 3, ..RULES }, "metadata-copied", lose_flag);
    assert_eq!((over.waited.ended_by, over.exit), (EndedBy::Blocked, &exit::BLOCKED));
    assert_eq!(over.verdicts(), [Verdict::NotYet, Verdict::Blocked, Verdict::Blocked, Verdict::Blocked]);
    let over = wait(2, RULES, "metadata-copied", lose_flag);
    assert_eq!(over.verdicts(), [Verdict::NotYet, Verdict::Blocked]);
}

#[test]
fn a_plugin_and_a_person_are_told_how_it_ended() {
    let over = wait(2, Rules { timeout: 20 * SECOND, ..RULES }, "metadata-copied", |_, _| ());
    let as_text = |format| render(&Document::Report(&over.report), format, Style::default(), &words());
    let nagios = as_text(Format::Nagios);
    let begin = "KRAFT UNKNOWN - brokers-migrated: the deadline has passed, not yet: 0 of 2 brokers run KRaft";
    assert!(nagios.starts_with(begin), "{nagios}");
    assert_eq!(over.exit.folded(), 3);
    let human = as_text(Format::Human);
    let lines: Vec<&str> = human.lines().take(2).collect();
    assert_eq!(lines[0], "NOT YET: brokers-migrated: 0 of 2 brokers run KRaft; not yet: 1, 2");
    assert!(lines[1].starts_with("  waited   1") && lines[1].ends_with("looks: the deadline has passed"), "{human}");
}

#[test]
fn time_passes_between_looks_and_while_one_hangs() {
    let silent = |cluster: &mut Cluster, look: u64| {
        if look == 1 {
            BROKERS.into_iter().chain(CONTROLLERS).for_each(|id| cluster.stop(id));
        }
    };
    let over = wait(2, Rules { timeout: 120 * SECOND, ..RULES }, "metadata-copied", silent);
    let (times, answered): (Vec<Duration>, Vec<_>) = over.ticks.into_iter().unzip();
    assert_eq!((times[0], answered[0]), (Duration::ZERO, None), "told at once, before anything was seen");
    let most = times.windows(2).map(|two| two[1].saturating_sub(two[0])).max().expect("several");
    assert!(most <= Duration::from_millis(300), "{most:?}");
    assert!(*times.last().expect("a tick") + SECOND / 2 >= over.waited.elapsed, "to the end");
    let (seen, blind) = (Some(true), Some(false));
    assert!(answered.contains(&seen) && answered.ends_with(&[blind]), "and how it stood by then");
}
