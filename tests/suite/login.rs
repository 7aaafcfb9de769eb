//! Is everything as it is without a login, and what becomes of one that fails? Whole simulated clusters behind listeners
//! with SASL, in memory under a paused clock, and once over TLS on loopback.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use kraft_check::evaluate::evaluate;
use kraft_check::exit::of_report;
use kraft_check::observe::dial::{Network, PageAnswer, PageRequest, Sockets};
use kraft_check::observe::kept::Kept;
use kraft_check::observe::{Plan, look};
use kraft_check::rehearse::{Affliction, Fault, Mode, Shared, Version, page, phases};
use kraft_check::report::Verdict;
use kraft_check::security::{Access, Login, ScramHash, Secret, Security};
use kraft_check::snapshot::{AskedAs, Endpoint, Expected, Look, Missed, NodeId, Snapshot, Why};
use kraft_check::stages::STAGES;
use tokio::io::{DuplexStream, duplex};
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

use crate::dial::{acceptor, trusting};
use crate::guarded::{Guard, serve};
use crate::memory::refused;
use crate::partitions::{copied, on_kraft};
use crate::simulated::{cluster, content_plan, plan};

const HANDSHAKE: i16 = 17;
const API_VERSIONS: i16 = 18;
const CONTROLLERS: [NodeId; 3] = [3001, 3002, 3003];

/// A simulated cluster behind two kinds of listeners.
pub(crate) struct Guarded {
    cluster: Shared,
    pub(crate) brokers: Arc<Guard>,
    pub(crate) controllers: Arc<Guard>,
    access: Access,
}

impl Guarded {
    /// All listeners alike, and one login for all.
    pub(crate) fn all(cluster: Shared, guard: Guard, login: Option<Login>) -> Self {
        let guard = Arc::new(guard);
        Self::two(cluster, [Arc::clone(&guard), guard], login.map(Arc::new))
    }

    /// The brokers' listeners and the controllers', and one login for all.
    fn two(cluster: Shared, guards: [Arc<Guard>; 2], login: Option<Arc<Login>>) -> Self {
        let [brokers, controllers] = guards;
        let security = Security { login, ..Security::default() };
        let access = Access { brokers: security.clone(), controllers: security, ..Access::default() };
        Self { cluster, brokers, controllers, access }
    }

    fn guard(&self, id: NodeId) -> Arc<Guard> {
        Arc::clone(if id > 3_000 { &self.controllers } else { &self.brokers })
    }
}

impl Network for Guarded {
    type Stream = DuplexStream;

    async fn connect(&self, _: AskedAs, endpoint: &Endpoint) -> Result<DuplexStream, Missed> {
        let id = NodeId::from(endpoint.port);
        if !self.cluster.with(|cluster| cluster.is_listening(id)) {
            return Err(refused());
        }
        let (ours, theirs) = duplex(64 * 1024);
        tokio::spawn(serve(theirs, self.guard(id), self.cluster.clone(), id));
        Ok(ours)
    }

    async fn page(&self, request: &PageRequest) -> Result<PageAnswer, Missed> {
        let id: NodeId = request.url.rsplit('/').next().and_then(|id| id.parse().ok()).expect("a node's page");
        self.cluster
            .with(|cluster| cluster.is_listening(id).then(|| PageAnswer::ok(page(cluster, id))).ok_or_else(refused))
    }

    fn security(&self, asked_as: AskedAs) -> &Security {
        self.access.of(asked_as)
    }
}

pub(crate) fn scram(password: &str) -> Login {
    Login::scram(ScramHash::Sha512, "probe".to_owned(), Secret::new(password))
}

fn plain(password: &str) -> Login {
    Login::plain("probe".to_owned(), Secret::new(password))
}

fn whole_plan() -> Plan {
    plan(&(1..=5).collect(), &CONTROLLERS.into(), true)
}

pub(crate) async fn look_at<N: Network>(network: &Arc<Kept<N>>, plan: &Plan) -> Look {
    look(network, plan, Instant::now() + Duration::from_secs(10)).await
}

/// One look over connections that nobody keeps, and what the brokers' listeners know after it.
async fn seen(guarded: Guarded, plan: &Plan) -> (Look, Arc<Guard>) {
    let guard = Arc::clone(&guarded.brokers);
    (look_at(&Arc::new(Kept::nothing(guarded)), plan).await, guard)
}

fn snapshot(look: Look, brokers: impl IntoIterator<Item = NodeId>, plan: &Plan) -> Snapshot {
    let (brokers, controllers) = (Some(brokers.into_iter().collect()), Some(CONTROLLERS.into()));
    let expected = Expected { brokers, controllers, cluster_id: None };
    Snapshot { depth: plan.depth, expected, metric_names: Vec::new(), looks: vec![look] }
}

/// Every stage's verdict and exit code.
fn verdicts(snapshot: &Snapshot) -> Vec<(Verdict, u8)> {
    let reports = STAGES.iter().map(|stage| evaluate(stage, snapshot));
    reports.map(|report| (report.verdict, of_report(&report).code)).collect()
}

/// Why the brokers', or else the controllers', first answer after `ApiVersions` was not seen.
pub(crate) fn first_missed(look: &Look, asked_as: AskedAs) -> Vec<&Missed> {
    let nodes = look.nodes.iter().filter(|node| node.asked_as == asked_as);
    let missed = nodes.filter_map(|node| match asked_as {
        AskedAs::Broker => node.metadata.said.as_ref().err(),
        AskedAs::Controller => node.quorum.said.as_ref().err(),
    });
    missed.collect()
}

#[tokio::test(start_paused = true)]
async fn every_verdict_in_every_phase_is_that_without_security() {
    let (brokers, controllers) = ((1..=3).collect::<Vec<_>>(), CONTROLLERS);
    let plan = plan(&brokers.iter().copied().collect(), &controllers.into(), true);
    let logins = || {
        [
            ("SCRAM-SHA-512", scram("hushhush")),
            ("SCRAM-SHA-256", Login::scram(ScramHash::Sha256, "probe".to_owned(), Secret::new("hushhush"))),
            ("PLAIN", plain("hushhush")),
        ]
    };
    let cluster = Shared::new(cluster(Version::V3_9, 3, 3, 0));
    let mut seen_verdicts = BTreeSet::new();
    for (number, phase) in phases(&brokers, &controllers).iter().enumerate() {
        cluster.with(|cluster| {
            phase.enter(cluster);
            cluster.advance(10_000);
        });
        let (open, _) = seen(Guarded::all(cluster.clone(), Guard::with(&[]), None), &plan).await;
        let open = verdicts(&snapshot(open, 1..=3, &plan));
        let (mechanism, login) = logins().into_iter().nth(number % 3).expect("three");
        let guard = Guard::with(&["GSSAPI", mechanism]);
        let (look, guard) = seen(Guarded::all(cluster.clone(), guard, Some(login)), &plan).await;
        assert_eq!(verdicts(&snapshot(look, 1..=3, &plan)), open, "{} by {mechanism}", phase.id);
        assert_eq!(guard.hear(|heard| heard.rejected), 0);
        seen_verdicts.extend(open.into_iter().map(|(verdict, _)| verdict));
    }
    assert!(seen_verdicts.len() >= 2, "{seen_verdicts:?}");
}

#[tokio::test(start_paused = true)]
async fn a_cluster_of_a_hundred_nodes_costs_one_derivation_of_keys() {
    let mut cluster = cluster(Version::V3_9, 97, 3, 0);
    cluster.start_controllers();
    cluster.advance(5_000);
    let cluster = Shared::new(cluster);
    let plan = plan(&BTreeSet::from([1]), &CONTROLLERS.into(), false);
    for (own_salts, derivations) in [(false, 1), (true, 100)] {
        let login = Arc::new(scram("hushhush"));
        let guard = Arc::new(Guard { own_salts, ..Guard::with(&["SCRAM-SHA-512"]) });
        let guards = [Arc::clone(&guard), Arc::clone(&guard)];
        let (look, _) = seen(Guarded::two(cluster.clone(), guards, Some(Arc::clone(&login))), &plan).await;
        let let_in = look.nodes.iter().filter(|node| node.metadata.said.is_ok() || node.quorum.said.is_ok());
        assert_eq!((let_in.count(), login.derivations()), (100, derivations));
        assert_eq!(guard.hear(|heard| (heard.connections, heard.accepted)), (100, 100));
    }
}

#[tokio::test(start_paused = true)]
async fn a_rejected_login_is_tried_once_for_each_node_and_says_what_kafka_says_of_it() {
    let by_scram = "the login of probe by SCRAM-SHA-512 is rejected: Authentication failed during authentication due to \
                    invalid credentials with SASL mechanism SCRAM-SHA-512";
    let by_plain = "the login of probe by PLAIN is rejected: Authentication failed: Invalid username or password";
    let unknown = Login::scram(ScramHash::Sha512, "nobody".to_owned(), Secret::new("hushhush"));
    let by_nobody = by_scram.replace("probe", "nobody");
    let cases = [(scram("hushhush2"), by_scram), (plain("hushhush2"), by_plain), (unknown, &*by_nobody)];
    for (login, words) in cases {
        let guard = Guard::with(&["SCRAM-SHA-512", "PLAIN"]);
        let (look, guard) = seen(Guarded::all(Shared::new(copied(&[])), guard, Some(login)), &whole_plan()).await;
        for (asked_as, count) in [(AskedAs::Broker, 5), (AskedAs::Controller, 3)] {
            let missed = first_missed(&look, asked_as);
            assert_eq!(missed.len(), count);
            assert!(missed.iter().all(|it| it.why == Why::SaslFailed && it.words == words), "{missed:?}");
        }
        assert!(look.nodes.iter().all(|node| node.api_versions.said.is_ok()), "what was seen before stands");
        let heard = guard.hear(|heard| (heard.connections, heard.rejected, heard.accepted));
        assert_eq!(heard, (8, 8, 0), "nobody is tried twice");
        let reports = verdicts(&snapshot(look, 1..=5, &whole_plan()));
        // That it is not finalized is seen on a page.
        let refused = (Verdict::Unknown, 77);
        assert_eq!(reports, [refused, refused, refused, (Verdict::NotYet, 1)]);
    }
}

#[tokio::test(start_paused = true)]
async fn where_the_brokers_do_not_decide_their_rejection_changes_no_verdict() {
    let guards = |[brokers, controllers]: [&str; 2]| {
        [brokers, controllers].map(|password| {
            let mut guard = Guard::with(&["SCRAM-SHA-512"]);
            guard.users.insert("probe", password.to_owned());
            Arc::new(guard)
        })
    };
    let verdicts = async |passwords: [&str; 2]| {
        let login = Some(Arc::new(scram("hushhush")));
        let (look, _) = seen(Guarded::two(Shared::new(copied(&[])), guards(passwords), login), &whole_plan()).await;
        verdicts(&snapshot(look, 1..=5, &whole_plan()))
    };
    let [provisioned, in_migration, migrated, finalized] = verdicts(["hushhush", "hushhush"]).await[..] else {
        panic!("four stages")
    };
    assert_eq!((provisioned, in_migration), ((Verdict::Complete, 0), (Verdict::Complete, 0)));
    assert_eq!((migrated, finalized), ((Verdict::NotYet, 1), (Verdict::NotYet, 1)));
    let refused = (Verdict::Unknown, 77);
    // That some are registered as brokers on ZooKeeper stands in the log.
    assert_eq!(verdicts(["another hushhush", "hushhush"]).await, [provisioned, refused, migrated, finalized]);
    // Who listens at an address that no broker confirms is nobody that is expected; only the gauge has been seen.
    assert_eq!(verdicts(["hushhush", "another hushhush"]).await[..2], [refused, refused]);
}

#[tokio::test(start_paused = true)]
async fn what_everybody_is_told_completes_nothing_without_an_id() {
    let guard = || Guard::with(&["SCRAM-SHA-512"]);
    let wrong = || Some(Arc::new(scram("hushhush2")));
    for cluster in [copied(&[]), on_kraft(&[])].map(Shared::new) {
        // Brokers without ids, then with them: their lists of APIs would be all that their stages ask of them.
        for with_ids in [false, true] {
            let mut plan = whole_plan();
            for (broker, id) in plan.brokers.iter_mut().zip(1..) {
                broker.id = with_ids.then_some(id);
            }
            let mut right = guard();
            right.users.insert("probe", "hushhush2".to_owned());
            let guards = [Arc::new(guard()), Arc::new(right)];
            let (look, _) = seen(Guarded::two(cluster.clone(), guards, wrong()), &plan).await;
            assert_eq!(first_missed(&look, AskedAs::Controller).len(), 0);
            let stages = verdicts(&snapshot(look, 1..=5, &plan));
            let complete: Vec<bool> = stages.iter().map(|(verdict, _)| *verdict == Verdict::Complete).collect();
            assert!(with_ids || !(complete[1] || complete[2] || complete[3]), "{stages:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_listener_that_takes_no_such_login_says_what_it_takes() {
    let one = async |mechanisms: &[&'static str], login: Option<Login>| {
        let guarded = Guarded::all(Shared::new(copied(&[])), Guard::with(mechanisms), login);
        let (look, guard) = seen(guarded, &whole_plan()).await;
        let missed = first_missed(&look, AskedAs::Broker).into_iter().next().expect("no login").clone();
        let controllers = first_missed(&look, AskedAs::Controller).len();
        let (brokers, heard) = (look.nodes.len() - 3, guard.hear(|heard| heard.asked.clone()));
        assert_eq!((brokers, controllers), (5, 3));
        let reports = verdicts(&snapshot(look, 1..=5, &whole_plan()));
        (missed, reports[2].1, heard[&(1, HANDSHAKE)])
    };
    let (missed, code, handshakes) = one(&["SCRAM-SHA-512", "GSSAPI"], Some(plain("hushhush"))).await;
    assert_eq!((missed.why, code, handshakes), (Why::SaslMechanism, 77, 1));
    assert_eq!(missed.words, "PLAIN is not enabled; the listener enables SCRAM-SHA-512, GSSAPI");
    let (missed, code, handshakes) = one(&[], Some(plain("hushhush"))).await;
    assert_eq!((missed.why, code, handshakes), (Why::SaslNotSpoken, 3, 1));
    let (missed, code, handshakes) = one(&["SCRAM-SHA-512", "PLAIN"], None).await;
    assert_eq!((missed.why, code, handshakes), (Why::SaslExpected, 77, 1));
    assert!(missed.words.ends_with("there is none; the listener enables SCRAM-SHA-512, PLAIN"), "{}", missed.words);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_closes_for_another_reason_wants_no_login() {
    let mut cluster = copied(&[]);
    cluster.faults.add(Affliction { node: 2, fault: Fault::ClosesAfterFirst });
    let (look, _) = seen(Guarded::all(Shared::new(cluster), Guard::with(&[]), None), &whole_plan()).await;
    let missed = first_missed(&look, AskedAs::Broker);
    assert_eq!((missed.len(), missed[0].why), (1, Why::Closed), "{missed:?}");
}

#[tokio::test(start_paused = true)]
async fn what_a_listener_says_of_a_failed_login_is_short_plain_and_without_the_secret() {
    let long = "long ".repeat(2_000);
    let cases =
        [("\u{1b}[31mred\nline", "red line"), (&*long, "long long"), ("hushhush is wrong", "repeat the secret")];
    for (words, shown) in cases {
        let guard = Guard { words: Some(words.to_owned()), users: [].into(), ..Guard::with(&["PLAIN"]) };
        let (look, _) =
            seen(Guarded::all(Shared::new(copied(&[])), guard, Some(plain("hushhush"))), &whole_plan()).await;
        for missed in first_missed(&look, AskedAs::Broker) {
            let sound = missed.words.contains(shown) && missed.words.len() < 200 && !missed.words.contains("hush");
            assert!(sound && !missed.words.contains(char::is_control), "{missed:?}");
        }
        assert!(!format!("{look:?}").contains("hush"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_kept_connection_stays_logged_in_as_long_as_its_session_lasts() {
    let looks = async |session_ms: u32, pause: u64| {
        let guard = Guard { session_ms, ..Guard::with(&["SCRAM-SHA-512"]) };
        let guarded = Guarded::all(Shared::new(copied(&[])), guard, Some(scram("hushhush")));
        let guard = Arc::clone(&guarded.brokers);
        let network = Arc::new(Kept::new(guarded));
        for _ in 0..4 {
            let look = look_at(&network, &whole_plan()).await;
            for asked_as in [AskedAs::Broker, AskedAs::Controller] {
                assert_eq!(first_missed(&look, asked_as), Vec::<&Missed>::new());
            }
            sleep(Duration::from_secs(pause)).await;
        }
        guard.hear(|heard| (heard.connections, heard.accepted))
    };
    assert_eq!(looks(0, 5).await, (8, 8), "one login for four looks");
    assert_eq!(looks(3_600_000, 5).await, (8, 8));
    assert_eq!(
        looks(10_000, 5).await,
        (16, 16),
        "one for two looks, for the third would come after 85 % of the session"
    );
    assert_eq!(looks(1_000, 5).await, (32, 32));
}

#[tokio::test(start_paused = true)]
async fn whoever_is_dialled_again_for_topics_logs_in_and_is_not_asked_for_its_apis_again() {
    let plan = content_plan(&(1..=5).collect(), &CONTROLLERS.into(), true);
    let (look, guard) =
        seen(Guarded::all(Shared::new(on_kraft(&[])), Guard::with(&["SCRAM-SHA-512"]), Some(scram("hushhush"))), &plan)
            .await;
    assert_eq!(look.nodes.iter().filter(|node| node.topics.said.is_ok()).count(), 2);
    guard.hear(|heard| {
        assert!(heard.connections > 8 && heard.accepted == heard.connections, "{heard:?}");
        assert!((1..=5).all(|id| heard.asked[&(id, API_VERSIONS)] == 1), "{heard:?}");
    });
}

#[tokio::test(start_paused = true)]
async fn every_request_bears_the_name_that_we_go_by() {
    for (client_id, name) in [(None, "kraft-check"), (Some("migration-gate"), "migration-gate")] {
        let mut guarded = Guarded::all(Shared::new(copied(&[])), Guard::with(&["PLAIN"]), Some(plain("hushhush")));
        for security in [&mut guarded.access.brokers, &mut guarded.access.controllers] {
            security.client_id = client_id.map(Into::into);
        }
        let (_, guard) = seen(guarded, &whole_plan()).await;
        let names = guard.hear(|heard| heard.client_ids.clone());
        assert_eq!(names, BTreeSet::from([name.to_owned()]));
    }
}

#[tokio::test]
async fn over_tls_on_loopback_a_login_is_what_it_is_in_memory() {
    let (acceptor, certificate) = acceptor();
    let mut cluster = cluster(Version::V3_9, 1, 1, 0);
    cluster.advance(5_000);
    let (cluster, guard) = (Shared::new(cluster), Arc::new(Guard::with(&["SCRAM-SHA-512"])));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let served = Arc::clone(&guard);
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let tls = acceptor.accept(tcp).await.expect("a client that speaks TLS");
            tokio::spawn(serve(tls, Arc::clone(&served), cluster.clone(), 1));
        }
    });
    let mut plan = plan(&BTreeSet::from([1]), &BTreeSet::new(), false);
    plan.brokers[0].endpoint = Endpoint { host: "127.0.0.1".to_owned(), port };
    let tls = Arc::new(trusting(vec![certificate]));
    for (password, rejected) in [("hushhush", None), ("hushhush2", Some(Why::SaslFailed))] {
        let login = Some(Arc::new(scram(password)));
        let brokers = Security { tls: Some(Arc::clone(&tls)), login, client_id: None };
        let sockets = Sockets::new(Access { brokers, ..Access::default() });
        let look = look_at(&Arc::new(Kept::nothing(sockets)), &plan).await;
        let node = look.nodes.iter().find(|node| node.endpoint.port == port).expect("the node");
        assert_eq!(node.metadata.said.as_ref().err().map(|missed| missed.why), rejected, "{node:?}");
    }
    assert_eq!(guard.hear(|heard| (heard.accepted, heard.rejected)), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_node_restarted_between_two_looks_is_logged_in_to_anew() {
    let guarded = Guarded::all(Shared::new(copied(&[])), Guard::with(&["PLAIN"]), Some(plain("hushhush")));
    let (cluster, guard) = (guarded.cluster.clone(), Arc::clone(&guarded.brokers));
    let network = Arc::new(Kept::new(guarded));
    let _ = look_at(&network, &whole_plan()).await;
    cluster.with(|cluster| cluster.restart_broker(2, Mode::Migration));
    sleep(Duration::from_secs(10)).await;
    let look = look_at(&network, &whole_plan()).await;
    assert_eq!(first_missed(&look, AskedAs::Broker), Vec::<&Missed>::new());
    assert_eq!(guard.hear(|heard| heard.accepted), 9);
}
