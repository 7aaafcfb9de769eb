//! `wait`: look after look, until the pure part of it (`wait`) says that it is over, or a signal does.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, interval, sleep};

use super::{Answer, Answered, Goal, block_on, no_verdict, remark, take_looks};
use crate::cli::{HEALTHY, WaitArgs};
use crate::config::{self, Refusal, Waiting};
use crate::exit::{self, Exit};
use crate::hook::Hooks;
use crate::observe::dial::{Network, Sockets};
use crate::observe::kept::Kept;
use crate::render::{Document, Format, Style, render};
use crate::report::{EndedBy, Report};
use crate::settings::Settings;
use crate::snapshot::{Snapshot, recording};
use crate::wait::{Event, Listener, Next, Taken, Wait, What};

/// How often whoever listens is told that time passes.
const TICK: Duration = Duration::from_millis(250);

/// Waits as the arguments ask for.
pub(super) fn run(args: &WaitArgs, settings: Settings, listener: &mut dyn Listener) -> Result<Answered, Refusal> {
    let goal = match args.goal.as_str() {
        HEALTHY => Goal::healthy(),
        stage => Goal::stage(config::stage(stage)?, args.health),
    };
    let waiting = config::waiting(&args.look, goal.depth(), &args.waiting, &settings)?;
    let command = vec!["wait".to_owned(), args.goal.clone()];
    let access = waiting.access.clone();
    remark(&waiting.notices, listener);
    let mut waiter = Waiter::new(goal, waiting, command);
    let done = block_on(async {
        let network = Arc::new(Kept::new(Sockets::new(access)));
        Ok(waiter.run(&network, listener).await)
    })?;
    let ended_by = match done {
        Ok(ended_by) => ended_by?,
        Err(exit) => waiter.interrupted(exit, listener),
    };
    let Some((report, snapshot)) = waiter.came_to(ended_by) else {
        return Err(no_verdict(exit::of_wait(ended_by)));
    };
    let recording = args.look.snapshot.clone().map(|file| (file, recording::write(&snapshot)));
    let report = Report { cluster_name: settings.cluster, ..report };
    Ok(Answered { answer: Answer::Report(Box::new(report)), recording })
}

/// A wait, and what its last look saw. It can be given up at any moment: what it had seen by then is still here.
#[derive(Debug)]
pub struct Waiter {
    goal: Goal,
    waiting: Waiting,
    /// The words of the command, as documents repeat them.
    command: Vec<String>,
    began: Instant,
    wait: Wait,
    last: Option<(Report, Snapshot)>,
}

impl Waiter {
    /// A wait that begins now.
    #[must_use]
    pub fn new(goal: Goal, waiting: Waiting, command: Vec<String>) -> Self {
        let wait = Wait::new(waiting.rules);
        Self { goal, waiting, command, began: Instant::now(), wait, last: None }
    }

    /// Looks until it is over, and says why it is.
    pub async fn run<N: Network>(&mut self, network: &Arc<Kept<N>>, listener: &mut dyn Listener) -> EndedBy {
        let mut hooks = Hooks::new(&self.waiting.hooks);
        listener.hear(&self.event(What::Started(self.waiting.rules)));
        let ended_by = loop {
            let (next, events) = self.look(network, &mut hooks, listener).await;
            for event in &events {
                listener.hear(event);
                let document = render(&Document::Event(event), Format::Json, Style::default(), &self.command);
                hooks.call(|trigger| trigger.is_met(&event.what), &document);
            }
            match next {
                Next::Look(pause) => self.meanwhile(sleep(pause), &mut hooks, listener).await,
                Next::End(by) => break by,
            }
        };
        hooks.close();
        while let Some((trigger, came_to)) = hooks.next().await {
            listener.hear(&self.event(What::Hook(trigger, came_to)));
        }
        ended_by
    }

    /// A signal ended it.
    pub fn interrupted(&self, exit: &'static Exit, listener: &mut dyn Listener) -> EndedBy {
        let by = if *exit == exit::INTERRUPTED { EndedBy::Interrupted } else { EndedBy::Terminated };
        listener.hear(&self.event(What::Interrupted(by)));
        by
    }

    /// What the last look saw, and how the wait ended; nothing if no look was over by then.
    #[must_use]
    pub fn came_to(self, ended_by: EndedBy) -> Option<(Report, Snapshot)> {
        let wait = Some(self.wait.ended(ended_by, self.began.elapsed()));
        self.last.map(|(report, snapshot)| (Report { wait, ..report }, snapshot))
    }

    async fn look<N: Network>(
        &mut self,
        network: &Arc<Kept<N>>,
        hooks: &mut Hooks,
        listener: &mut dyn Listener,
    ) -> (Next, Vec<Event>) {
        let began = self.began.elapsed();
        let Waiting { plan, expected, look_timeout, rules, .. } = &self.waiting;
        let deadline = self.began + rules.timeout.min(began + *look_timeout);
        let look = take_looks(network, plan, expected.clone(), deadline);
        let snapshot = self.meanwhile(look, hooks, listener).await;
        let mut report = self.goal.judge(None, &snapshot);
        report.warnings.extend_from_slice(&self.waiting.notices.warnings);
        let taken = Taken { began, ended: self.began.elapsed(), report: &report, chance: fastrand::f64() };
        let decided = self.wait.after(&taken);
        self.last = Some((report, snapshot));
        decided
    }

    /// Does this, and says while it is done what hooks come to, and that time passes: at once, for what was said before
    /// this may have changed how it stands, and then at every tick.
    async fn meanwhile<T>(&self, work: impl Future<Output = T>, hooks: &mut Hooks, listener: &mut dyn Listener) -> T {
        let (mut work, mut ticks) = (pin!(work), interval(TICK));
        loop {
            tokio::select! {
                done = &mut work => return done,
                Some((trigger, came_to)) = hooks.next() => listener.hear(&self.event(What::Hook(trigger, came_to))),
                _ = ticks.tick() => listener.tick(self.wait.moment(self.began.elapsed())),
            }
        }
    }

    fn event(&self, what: What) -> Event {
        self.wait.event(self.began.elapsed(), what)
    }
}
