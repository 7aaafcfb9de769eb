//! Who is who: nodes of two clusters, addresses without ids, exporters with names of their own, addresses that cannot be
//! reached from here.

use std::thread::sleep;
use std::time::Duration;

use crate::cluster::{Cluster, SMALLEST, Shape};
use crate::distribution::Distribution;
use crate::exporter::Flavour;
use crate::looking::ask_without_log;
use crate::node::BrokerMode;
use crate::verdicts::V::{Block, Huh, No, Ok};
use crate::verdicts::{Expected, STAGES, V, Walk, ask, brokers, controllers, findings, whole};
use crate::{KAFKA, MIGRATION};

const TWO_CLUSTERS: &[Expected] = &[
    Expected { phase: "its own cluster id", verdicts: [Ok, Ok, No, No], why: "it is the declared one" },
    Expected { phase: "another cluster id", verdicts: [Block; 4], why: "another cluster was declared" },
    Expected { phase: "controllers of another cluster", verdicts: [Block; 4], why: "they tell another cluster id" },
    Expected { phase: "two leaders", verdicts: [Block; 4], why: "both lead in one epoch" },
];

#[test]
fn nodes_of_two_clusters() {
    let kafka = Distribution::fetch(KAFKA);
    let mut walk = Walk::along("two-clusters", TWO_CLUSTERS, whole);
    let one = Cluster::migrating(&kafka, SMALLEST);
    let other = Cluster::born_in_kraft(&kafka, Shape { first_controller: 4001, ..SMALLEST });
    let id = |cluster: &Cluster| {
        let told = ask("finalized", &whole(cluster))["cluster"]["cluster_id"].clone();
        format!("--expect-cluster-id={}", told.as_str().expect("an id"))
    };
    let declared = |cluster| [whole(&one), vec![id(cluster)]].concat();
    walk.judge_with("its own cluster id", &declared(&one));
    walk.judge_with("another cluster id", &declared(&other));

    let pages = ["--metrics".to_owned(), format!("{},{}", one.pages(), other.pages())];
    let strange = [&brokers(&one)[..], &controllers(&other), &pages].concat();
    walk.judge_with("controllers of another cluster", &strange);
    assert_eq!(findings(&ask("finalized", &strange), "other-cluster"), ["quorum null blocked"]);

    let both = ["-C".to_owned(), format!("{},{}", one.controllers(), other.controllers())];
    let two = [&brokers(&one)[..], &both, &pages].concat();
    walk.judge_with("two leaders", &two);
    assert_eq!(findings(&ask("finalized", &two), "two-leaders"), ["quorum null blocked"]);
    walk.end(2);
}

const OWN_NAMES: &[Expected] = &[
    Expected { phase: "with --metric", verdicts: [Ok, Ok, No, No], why: "the name was given" },
    Expected { phase: "without --metric", verdicts: [Ok, Ok, No, No], why: "the log tells, whatever a page is like" },
    Expected { phase: "rules that drop the state", verdicts: [Ok, Ok, No, No], why: "the log tells it" },
];

/// Each of these is the page of a controller that alone must be enough.
const NAMES: &[Flavour] = &[
    Flavour::ValueSuffix,
    Flavour::Short,
    Flavour::ShortLowercase,
    Flavour::Snake,
    Flavour::Untyped,
    Flavour::Renamed,
    Flavour::WithoutState,
];

#[test]
fn exporters_with_names_of_their_own() {
    let mut walk = Walk::along("own-names", OWN_NAMES, whole);
    let shape = Shape { controllers: 7, first_controller: 4001, pages: NAMES, ..SMALLEST };
    let cluster = Cluster::migrating(&Distribution::fetch(KAFKA), shape);
    let page_of = |flavour: Flavour| {
        let place = NAMES.iter().position(|name| *name == flavour).expect("one of them");
        let id = cluster.controller_ids().nth(place).expect("a controller for each");
        let page = vec!["--metrics".to_owned(), format!("{id}={}", cluster.page(id))];
        [brokers(&cluster), controllers(&cluster), page].concat()
    };
    for flavour in &NAMES[..5] {
        assert_eq!(by_page_alone(&page_of(*flavour)), Ok, "{flavour:?}");
    }
    let name = "zk-migration-state=migration_phase{what=\"state\"}";
    let named = [page_of(Flavour::Renamed), vec!["--metric".to_owned(), name.to_owned()]].concat();
    walk.judge_with("with --metric", &named);
    walk.judge_with("without --metric", &page_of(Flavour::Renamed));
    walk.judge_with("rules that drop the state", &page_of(Flavour::WithoutState));
    walk.end(2 + 2 + 2);
    assert_eq!(by_page_alone(&named), Ok, "the name was given");
    assert_eq!(by_page_alone(&page_of(Flavour::Renamed)), Huh, "nobody can guess that name");
    assert_eq!(by_page_alone(&page_of(Flavour::WithoutState)), Huh, "no page has it");
}

/// Whether the copy is done, without the metadata log, which tells it whatever the pages do.
fn by_page_alone(flags: &[String]) -> V {
    V::of(&ask_without_log(flags)("brokers-in-migration"))
}

#[test]
fn addresses_alone_are_enough_where_the_nodes_tell_who_they_are() {
    let kafka = Distribution::fetch(KAFKA);
    let mut cluster = Cluster::start(&kafka, Shape { brokers: 2, controllers: 3, ..SMALLEST });
    cluster.provision_controllers();
    let verdicts = |cluster: &Cluster| STAGES.map(|stage| V::of(&ask(stage, &addresses(cluster))));
    assert_eq!(verdicts(&cluster), [Ok, No, No, No]);
    cluster.restart_brokers(BrokerMode::Migration);
    cluster.await_state(MIGRATION);
    assert_eq!(verdicts(&cluster), [Ok, Ok, No, No]);
    cluster.restart_brokers(BrokerMode::Kraft);
    assert_eq!(verdicts(&cluster), [Ok, Ok, Ok, No]);
    let document = ask("brokers-migrated", &addresses(&cluster));
    for kind in ["brokers", "controllers"] {
        assert_eq!(document["expected"][kind]["source"], "discovered", "{document:#}");
    }
    // A broker that hangs is expected as long as another lists it. Then it is fenced, and listed by nobody; but it is
    // registered, so it is waited for as if it had been declared.
    cluster.hold(2, true);
    assert_eq!(V::of(&ask("brokers-migrated", &addresses(&cluster))), Huh);
    sleep(UNTIL_FENCED);
    assert_eq!(verdicts(&cluster), [Ok, Huh, Huh, No]);
    let declared = [addresses(&cluster), vec!["--expect-brokers".to_owned(), "1-2".to_owned()]].concat();
    assert_eq!(
        STAGES.map(|stage| V::of(&ask(stage, &declared))),
        [Ok, Huh, Huh, No],
        "whoever declared it waits for it"
    );
    cluster.hold(2, false);
}

/// Longer than `broker.session.timeout.ms`.
const UNTIL_FENCED: Duration = Duration::from_secs(12);

/// One broker, the controllers without their ids, and their pages by a template.
fn addresses(cluster: &Cluster) -> Vec<String> {
    let plain: Vec<String> = cluster.controller_ids().map(|id| cluster.endpoint(id).to_string()).collect();
    let flags = ["-b", &cluster.endpoint(1).to_string(), "-C", &plain.join(","), "--metrics", &cluster.pages()];
    flags.map(ToOwned::to_owned).to_vec()
}

#[test]
fn an_advertised_address_that_cannot_be_reached_from_here() {
    let cluster = Cluster::migrating(&Distribution::fetch(KAFKA), SMALLEST);
    let from_outside = |place: String| {
        let mut flags = whole(&cluster);
        flags[1] = place;
        ask("brokers-in-migration", &flags)
    };
    let outside = cluster.second_endpoint(1);
    let lost = from_outside(outside.to_string());
    assert_eq!(V::of(&lost), Huh, "{lost:#}");
    let words = lost.to_string();
    assert!(words.contains("connection refused") && words.contains("give ID@HOST:PORT"), "{lost:#}");
    assert_eq!(V::of(&from_outside(format!("1@{outside}"))), Ok);
}
