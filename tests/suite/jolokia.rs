//! Jolokia and Strimzi's agent: which of their answers are read as what, under whatever policy, and which are refused.
//! The answers are those of real agents, 1.7.2 and 2.1.1, shortened.

use std::thread::sleep;
use std::time::Duration;

use kraft_check::evaluate::evaluate;
use kraft_check::exit;
use kraft_check::security::Access;
use kraft_check::signals::{MIGRATING_BROKERS, StateRung, View};
use kraft_check::snapshot::{Gauge, Look, Source, Subject, Why, recording};
use kraft_check::stages::STAGES;
use serde_json::{Value, json};

use crate::answers::{self, leader};
use crate::loopback::{Asked, LEADER, Server, error_of, look_at, page, snapshot, state};

/// Jolokia's echo of a bean's name: its keys in order.
fn echo(bean: &str) -> String {
    format!("kafka.controller:name={bean},type=KafkaController")
}

fn read(bean: &str, value: &Value) -> Value {
    let request = json!({"mbean": echo(bean), "attribute": "Value", "type": "read"});
    json!({"request": request, "value": value, "timestamp": 1_795_244_443, "status": 200})
}

fn error(bean: &str, status: u16, words: &str) -> Value {
    let request = json!({"mbean": echo(bean), "attribute": "Value", "type": "read"});
    json!({"request": request, "stacktrace": format!("{words}\n\tat org.jolokia"), "error_type": "java.lang.Exception",
        "error": format!("java.lang.Exception : {words}"), "status": status})
}

fn denied(bean: &str) -> Value {
    error(bean, 403, &format!("Reading attribute Value is forbidden for MBean {}", echo(bean)))
}

fn version() -> Value {
    json!({"request": {"type": "version"}, "value": {"agent": "2.1.1", "protocol": "8.0"}, "status": 200})
}

/// The bean that a request reads.
fn bean(name: &str) -> &str {
    name.split("name=").nth(1).and_then(|rest| rest.split(['/', ',']).next()).expect("a bean")
}

/// An agent that answers every read with what this says of the bean, by GET and by POST.
fn agent(says: impl Fn(&str) -> Value + Send + Sync + 'static) -> Server {
    Server::new(move |asked| answer(asked, &says))
}

fn answer(asked: &Asked, says: &impl Fn(&str) -> Value) -> (u16, String) {
    if !asked.path.starts_with("/jolokia/") {
        return (404, "<h1>404 Not Found</h1>No context found for request".to_owned());
    }
    let said = if asked.method == "POST" {
        let beans: Vec<Value> = serde_json::from_str(&asked.body).expect("an array");
        beans.iter().map(|question| says(bean(question["mbean"].as_str().expect("a bean")))).collect()
    } else if asked.path.contains("/read/") {
        says(bean(&asked.path))
    } else {
        version()
    };
    (200, said.to_string())
}

fn in_migration(bean: &str) -> Value {
    match bean {
        "ZkMigrationState" => read(bean, &json!(1)),
        "MigratingZkBrokerCount" => read(bean, &json!(3)),
        _ => error(bean, 404, &format!("javax.management.InstanceNotFoundException: {}", echo(bean))),
    }
}

/// What cp-ansible installs by default: one bean, and no command.
fn only_the_state(bean: &str) -> Value {
    if bean == "ZkMigrationState" { read(bean, &json!(2)) } else { denied(bean) }
}

#[test]
fn a_read_url_is_one_gauge_in_every_spelling() {
    for value in [json!(1), json!("1"), json!(1.0), json!({"Value": 1}), json!({"Value": "1"})] {
        let told = value.to_string();
        let agent = agent(move |bean| read(bean, &value));
        for path in ["type=KafkaController,name=ZkMigrationState", "name=ZkMigrationState,type=KafkaController/Value"] {
            let url = agent.url(&format!("/jolokia/read/kafka.controller:{path}"));
            assert_eq!(state(&url), Ok(StateRung::Migration), "{told} of {path}");
        }
        assert_eq!(agent.questions().len(), 2, "nothing else is asked");
    }
}

#[test]
fn what_a_read_url_cannot_give_has_its_reason() {
    let url = "/jolokia/read/kafka.controller:type=KafkaController,name=";
    let why = |agent: &Server, bean: &str| state(&agent.url(&format!("{url}{bean}"))).map_err(|missed| missed.why);
    assert_eq!(why(&agent(in_migration), "FencedBrokerCount"), Err(Why::WithoutMetric));
    assert_eq!(why(&agent(only_the_state), "FencedBrokerCount"), Err(Why::Denied));
    assert_eq!(why(&agent(|bean| read(bean, &json!(1))), "NoGaugeOfOurs"), Err(Why::NotAPage));
    for value in [json!(null), json!([1]), json!(true), json!({"Count": 1}), json!("one")] {
        let told = value.to_string();
        let why = why(&agent(move |bean| read(bean, &value)), "ZkMigrationState");
        assert_eq!(why, Err(Why::NotAPage), "{told}");
    }
    for value in [json!(99), json!(1.5), json!("1e300"), json!("NaN")] {
        let told = value.to_string();
        let why = why(&agent(move |bean| read(bean, &value)), "ZkMigrationState");
        assert_eq!(why, Err(Why::Malformed), "{told}");
    }
}

#[test]
fn an_agents_base_gives_every_gauge_by_one_request() {
    for path in ["/jolokia", "/jolokia/", "/jolokia/?ignoreErrors=true"] {
        let agent = agent(in_migration);
        let look = look_at(&agent.url(path), Access::default());
        let samples = &page(&look).expect("a page").samples;
        let names: Vec<&str> = samples.iter().map(|sample| sample.name.as_str()).collect();
        let whole = |gauge: Gauge| gauge.object_name();
        assert_eq!(names, [whole(Gauge::ZkMigrationState), whole(Gauge::MigratingZkBrokerCount)], "{path}");
        // Without the slash the agents of both versions answer 404.
        assert_eq!(agent.questions(), ["POST /jolokia/"], "{path}");
        let snapshot = snapshot(look);
        let view = View::new(&snapshot, &snapshot.looks[0]);
        let seen = MIGRATING_BROKERS.read(&view, Subject::Quorum).expect("a count");
        assert_eq!(seen.value, 3);
        let Some(Source::Page { url, metric, .. }) = seen.evidence.map(|evidence| evidence.source) else {
            panic!("it comes from a page");
        };
        assert_eq!((url, metric), (agent.url(path), Gauge::MigratingZkBrokerCount.object_name()));
    }
}

#[test]
fn an_agent_at_another_path_is_known_by_its_answer() {
    let refusal = json!({"request": {"type": "version"}, "error_type": "java.lang.Exception", "status": 403,
        "error": "java.lang.Exception : Command type VERSION not allowed due to policy used"});
    for (code, hello) in [(200, version()), (200, refusal.clone()), (403, refusal)] {
        for path in ["/jmx", "/jmx/", "/jmx/version"] {
            let hello = hello.to_string();
            let agent = Server::new(move |asked| match asked.method.as_str() {
                "GET" => (code, hello.clone()),
                _ => (200, json!([in_migration("ZkMigrationState")]).to_string()),
            });
            assert_eq!(state(&agent.url(path)), Ok(StateRung::Migration), "{path}");
            assert_eq!(agent.questions(), [format!("GET {path}"), "POST /jmx/".to_owned()]);
        }
    }
}

#[test]
fn answers_are_told_by_their_bean_and_not_by_their_place() {
    let told = |replies: Value| {
        let agent = Server::new(move |_| (200, replies.to_string()));
        state(&agent.url("/jolokia")).map_err(|missed| missed.why)
    };
    let (state_of, count) = (read("ZkMigrationState", &json!(1)), read("MigratingZkBrokerCount", &json!(3)));
    let mut unsorted = state_of.clone();
    unsorted["request"]["mbean"] = json!(Gauge::ZkMigrationState.object_name());
    let mut foreign = read("ZkMigrationState", &json!(3));
    foreign["request"]["mbean"] = json!("kafka.server:name=ZkMigrationState,type=KafkaController");
    let ok = Ok(StateRung::Migration);
    assert_eq!(told(json!([count, state_of])), ok, "in another order");
    assert_eq!(told(json!([unsorted, count])), ok, "with its keys in another order");
    assert_eq!(told(json!([foreign, state_of])), ok, "beside another bean of that name");
    assert_eq!(told(json!([1, null, [state_of], {}, state_of])), ok, "among what is no answer");
    assert_eq!(told(json!([state_of, state_of])), ok, "twice the same");
    assert_eq!(told(json!([foreign, count])), Err(Why::WithoutMetric), "missing");
    assert_eq!(told(json!([])), Err(Why::WithoutMetric), "nothing");
    assert_eq!(told(json!([state_of, read("ZkMigrationState", &json!(2))])), Err(Why::Ambiguous), "two values");
}

#[test]
fn a_policy_that_lets_us_read_one_bean_is_no_failure_of_the_page() {
    let agent = agent(only_the_state);
    assert_eq!(state(&agent.url("/jolokia")), Ok(StateRung::PreMigration));
    let snapshot = snapshot(look_at(&agent.url("/jolokia"), Access::default()));
    assert_eq!(page(&snapshot.looks[0]).expect("a page").denied.len(), Gauge::ALL.len() - 1);
    let again = recording::read(&recording::write(&snapshot)).expect("a recording");
    let view = View::new(&again, &again.looks[0]);
    let unseen = MIGRATING_BROKERS.read(&view, Subject::Quorum).expect_err("denied");
    assert_eq!(unseen.missed.why, Why::Denied);
    assert!(unseen.missed.words.contains("policy denies reading MigratingZkBrokerCount"), "{}", unseen.missed.words);
    assert_eq!(error_of("127.0.0.1", &evaluate(&STAGES[0], &again)), None, "the page itself was read");
}

#[test]
fn where_a_policy_takes_no_post_the_beans_are_asked_one_by_one() {
    let no_post = "HTTP method post is not allowed according to the installed security policy";
    // Real agents deny each bean, with HTTP 200; what stands before them may deny the whole.
    let each: Value = Gauge::ALL.map(|gauge| error(gauge.bean(), 403, no_post)).into_iter().collect();
    let alone = json!({"error_type": "java.lang.Exception", "error": no_post, "status": 403});
    let refusals =
        [(200, each), (200, alone.clone()), (403, alone), (403, json!(null)), (404, json!("no")), (405, json!(""))];
    for (code, refusal) in refusals {
        let told = refusal.to_string();
        let agent = Server::new(move |asked| match asked.method.as_str() {
            "POST" => (code, refusal.to_string()),
            _ => answer(asked, &in_migration),
        });
        assert_eq!(state(&agent.url("/jolokia")), Ok(StateRung::Migration), "{code} {told}");
        assert_eq!(agent.questions().len(), 1 + Gauge::ALL.len());
    }
    // HTTP 403 of one bean is that bean's.
    let agent = Server::new(|asked| {
        let may = asked.path.contains("ZkMigrationState");
        if may { answer(asked, &in_migration) } else { (403, "forbidden".to_owned()) }
    });
    assert_eq!(state(&agent.url("/jolokia")), Ok(StateRung::Migration));
}

#[test]
fn what_lets_us_read_nothing_is_a_missing_right_where_it_decides() {
    let forbids = Server::new(|_| (403, "forbidden".to_owned()));
    let wants = Server::new(|_| (401, String::new()));
    for url in [
        agent(denied).url("/jolokia"),
        forbids.url("/jolokia"),
        wants.url("/jolokia"),
        forbids.url("/metrics"),
        wants.url("/metrics"),
    ] {
        let look = look_at(&url, Access::default());
        assert_eq!(page(&look).expect_err("denied").why, Why::Denied, "{url}");
        // The state decides, and the page alone tells it.
        let report = evaluate(&STAGES[1], &snapshot(look.clone()));
        assert_eq!(error_of(&url, &report).expect("an error").id, "not-authorized");
        let decides = report.findings.iter().any(|finding| finding.message.contains("ZkMigrationState not seen"));
        assert_eq!((exit::of_report(&report).code, decides), (77, true), "{url}: {:?}", report.findings);
        // Where the state follows without the page, and somebody is silent, no right would help.
        let nodes = vec![leader(LEADER, &[(3002, Some(400))])];
        let silent = answers::snapshot(&[], &[LEADER, 3002], [Look { nodes, ..look }]);
        assert_eq!(exit::of_report(&evaluate(&STAGES[0], &silent)).code, 3, "{url}");
    }
    assert_eq!(wants.questions(), ["POST /jolokia/", "GET /metrics"], "wrong credentials are not tried again");
}

#[test]
fn an_agent_that_has_no_beans_yet_is_waited_for() {
    let starting = agent(|bean| error(bean, 404, "javax.management.InstanceNotFoundException"));
    let missed = state(&starting.url("/jolokia")).expect_err("nothing there");
    assert_eq!(missed.why, Why::WithoutMetric);
    assert!(missed.words.contains("starting"), "{}", missed.words);
}

#[test]
fn what_is_no_agent_is_refused() {
    let why = |code: u16, text: &str, path: &str| {
        let text = text.to_owned();
        let server = Server::new(move |_| (code, text.clone()));
        state(&server.url(path)).map_err(|missed| missed.why)
    };
    let deep = "[".repeat(100_000);
    let wide = format!("[{}1]", "1,".repeat(200_000));
    for (text, reason) in [
        ("<html></html>", Why::NotAPage),
        ("{\"status\":200}", Why::NotAPage),
        ("[{]", Why::NotAPage),
        (&deep[..1000], Why::NotAPage),
        (&deep, Why::NotAPage),
        (&wide, Why::TooLarge),
    ] {
        let begins = &text[..text.len().min(20)];
        assert_eq!(why(200, text, "/jolokia"), Err(reason), "{begins}");
        assert_eq!(why(200, text, "/metrics"), Err(reason), "{begins}");
    }
    assert_eq!(why(404, "<h1>404 Not Found</h1>", "/jolokia"), Err(Why::NotAPage));
    assert_eq!(why(500, "", "/jolokia"), Err(Why::NotAPage));
    assert_eq!(why(302, "", "/jolokia"), Err(Why::NotAPage));
}

#[test]
fn an_agent_that_falls_silent_between_two_beans_costs_one_deadline() {
    let agent = Server::new(|asked| {
        if asked.method == "POST" {
            return (405, String::new());
        }
        if asked.path.contains("GlobalTopicCount") {
            sleep(Duration::from_secs(30));
        }
        answer(asked, &in_migration)
    });
    assert_eq!(state(&agent.url("/jolokia")).expect_err("too late").why, Why::TimedOut);
}

#[test]
fn strimzis_agent_tells_the_state() {
    let tell = |code: u16, text: &str| {
        let text = text.to_owned();
        let agent = Server::new(move |_| (code, text.clone()));
        state(&agent.url("/v1/kraft-migration/")).map_err(|missed| missed.why)
    };
    assert_eq!(tell(200, "{\"state\":2}"), Ok(StateRung::PreMigration));
    assert_eq!(tell(200, "{\"state\":1}"), Ok(StateRung::Migration));
    assert_eq!(tell(200, " {\"state\":\"3\"}\r\n"), Ok(StateRung::PostMigration));
    assert_eq!(tell(200, "{\"state\":-1}"), Err(Why::NotLoaded));
    for state in ["99", "1.5", "1e300", "-2"] {
        assert_eq!(tell(200, &format!("{{\"state\":{state}}}")), Err(Why::Malformed), "{state}");
    }
    for text in [
        "{\"state\":null}",
        "{\"state\":[1]}",
        "{\"state\":1,\"other\":2}",
        "{}",
        "[{\"state\":1}]",
        "{\"state\":1e999}",
    ] {
        assert_eq!(tell(200, text), Err(Why::NotAPage), "{text}");
    }
    assert_eq!(tell(404, "ZooKeeper migration state metric not found"), Err(Why::WithoutMetric));
    assert_eq!(tell(404, "{\"brokerState\":3}"), Err(Why::NotAPage));
}
