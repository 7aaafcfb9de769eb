//! Where do tokens come from, and what becomes of a login that has none? OAUTHBEARER against simulated clusters, with a
//! token endpoint on loopback.

use std::collections::BTreeSet;
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use kraft_check::observe::kept::Kept;
use kraft_check::rehearse::Shared;
use kraft_check::security::{Login, Secret, TokenSource};
use kraft_check::snapshot::{AskedAs, Look, Missed, Why};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::guarded::Guard;
use crate::login::{Guarded, first_missed, look_at};
use crate::partitions::copied;
use crate::simulated::plan;

const TOKEN: &str = "hushhush.token-1";

fn bearer(source: TokenSource) -> Login {
    Login::oauth_bearer(source, vec![("logicalCluster".to_owned(), "lkc-1".to_owned())])
}

/// Five brokers and three controllers that take this token.
fn guarded(login: Login) -> Guarded {
    let guard = Guard::with(&["OAUTHBEARER"]);
    guard.tokens.lock().expect("the tokens").insert(TOKEN.to_owned());
    Guarded::all(Shared::new(copied(&[])), guard, Some(login))
}

async fn look(guarded: Guarded) -> Look {
    let plan = plan(&(1..=5).collect(), &BTreeSet::from([3001, 3002, 3003]), false);
    look_at(&Arc::new(Kept::nothing(guarded)), &plan).await
}

/// Why all eight nodes were not asked more; nothing if they were.
async fn missed(login: Login) -> Option<Missed> {
    let look = look(guarded(login)).await;
    let missed = [AskedAs::Broker, AskedAs::Controller].map(|asked_as| first_missed(&look, asked_as)).concat();
    assert!(missed.is_empty() || missed.len() == 8, "{missed:?}");
    assert!(missed.iter().all(|it| *it == missed[0] && !it.words.contains("hush")), "{missed:?}");
    missed.first().map(|missed| (*missed).clone())
}

#[tokio::test(start_paused = true)]
async fn a_token_of_a_file_is_read_anew_at_every_login() {
    let file = std::env::temp_dir().join(format!("kraft-check-token-{}", std::process::id()));
    let from_file = || bearer(TokenSource::File(file.clone()));
    for (text, why, words) in [
        (Some("hushhush.token-1\n"), None, ""),
        (Some("hushhush.token-0"), Some(Why::SaslFailed), "invalid_token"),
        (Some(" \n"), Some(Why::NoToken), "it is empty"),
        (Some("<html>hushhush</html>"), Some(Why::NoToken), "characters that no token has"),
        (None, Some(Why::NoToken), "No such file"),
    ] {
        match text {
            Some(text) => fs::write(&file, text).expect("a file"),
            None => fs::remove_file(&file).expect("the file"),
        }
        let missed = missed(from_file()).await;
        assert_eq!(missed.as_ref().map(|missed| missed.why), why, "{text:?}: {missed:?}");
        assert!(missed.is_none_or(|missed| missed.words.contains(words)), "{text:?}");
    }
    // The same login finds the new token.
    fs::write(&file, "hushhush.token-0").expect("a file");
    let network = Arc::new(Kept::nothing(guarded(from_file())));
    let plan = plan(&(1..=5).collect(), &BTreeSet::new(), false);
    assert_eq!(first_missed(&look_at(&network, &plan).await, AskedAs::Broker).len(), 5);
    fs::write(&file, TOKEN).expect("a file");
    assert_eq!(first_missed(&look_at(&network, &plan).await, AskedAs::Broker).len(), 0);
    fs::remove_file(&file).expect("the file");
}

#[tokio::test(start_paused = true)]
async fn kafkas_unsecured_token_has_the_claims_that_were_given() {
    let of = |subject: &str| bearer(TokenSource::Unsecured { claims: vec![("sub".to_owned(), subject.into())] });
    assert_eq!(missed(of("probe")).await, None);
    assert_eq!(missed(of("stranger")).await.map(|missed| missed.why), Some(Why::SaslFailed));
}

#[tokio::test(start_paused = true)]
async fn an_extension_that_would_end_the_message_is_not_sent() {
    for (name, value) in [("auth", "x"), ("two words", "x"), ("", "x"), ("name", "x\u{1}auth=Bearer y"), ("name", "")] {
        let login = Login::oauth_bearer(
            TokenSource::Unsecured { claims: Vec::new() },
            vec![(name.to_owned(), value.to_owned())],
        );
        let missed = missed(login).await.expect("refused");
        assert!(missed.why == Why::NoToken && missed.words.contains("extension"), "{missed:?}");
    }
}

/// A token endpoint that always gives this answer: its URL, how often it was asked, and what it was asked last.
async fn endpoint(answer: String) -> (String, Arc<AtomicUsize>, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let (asked, last) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(String::new())));
    let (count, heard) = (Arc::clone(&asked), Arc::clone(&last));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = String::new();
            let mut buffer = [0; 1024];
            while !request.contains("grant_type=") {
                let read = stream.read(&mut buffer).await.expect("a request");
                request.push_str(&String::from_utf8_lossy(&buffer[..read]));
            }
            count.fetch_add(1, Ordering::Relaxed);
            *heard.lock().expect("the request") = request;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (format!("http://127.0.0.1:{port}/token"), asked, last)
}

fn of_endpoint(url: &str) -> Login {
    bearer(TokenSource::Endpoint {
        url: url.to_owned(),
        client_id: "gate".to_owned(),
        client_secret: Secret::new("hushhush"),
        scope: Some("kafka read".to_owned()),
        tls: None,
    })
}

fn http(code: &str, body: &str) -> String {
    format!("HTTP/1.1 {code}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

#[tokio::test]
async fn one_token_of_an_endpoint_serves_all_logins_until_its_time_is_over() {
    let body = |expires_in: u32| format!("{{\"access_token\":\"{TOKEN}\",\"expires_in\":{expires_in}}}");
    for (expires_in, requests) in [(3_600, 1), (5, 8)] {
        let (url, asked, last) = endpoint(http("200 OK", &body(expires_in))).await;
        let login = of_endpoint(&url);
        assert_eq!((login.user(), login.mechanism()), (Some("gate"), "OAUTHBEARER"));
        assert_eq!(missed(login).await, None);
        assert_eq!(asked.load(Ordering::Relaxed), requests, "of a token good for {expires_in} s");
        let last = last.lock().expect("the request").clone();
        assert!(
            last.starts_with("POST /token ") && last.to_lowercase().contains("authorization: basic z2f0"),
            "{last}"
        );
        assert!(last.ends_with("grant_type=client_credentials&scope=kafka%20read"), "{last}");
    }
}

#[tokio::test]
async fn an_endpoint_that_gives_no_token_is_asked_once_for_all_and_named_as_the_reason() {
    let large = http("200 OK", &format!("{{\"access_token\":\"{}\"}}", "x".repeat(200_000)));
    let elsewhere = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n".to_owned();
    let cases = [
        (http("401 Unauthorized", "{\"error\":\"invalid_client\"}"), "HTTP 401: invalid_client"),
        (http("400 Bad Request", "{\"error\":\"not hushhush\"}"), "HTTP 400: in words that repeat the secret"),
        (http("200 OK", "{}"), "without an access_token"),
        (http("200 OK", "<html>"), "without an access_token"),
        (http("200 OK", "{\"access_token\":\"two words\"}"), "characters that no token has"),
        (large, "more than"),
        (elsewhere, "HTTP 302"),
        ("no HTTP at all".to_owned(), "does not answer"),
    ];
    for (answer, words) in cases {
        let (url, asked, _) = endpoint(answer).await;
        let missed = missed(of_endpoint(&url)).await.expect("no token");
        assert!(missed.why == Why::NoToken && missed.words.contains(words), "{words}: {missed:?}");
        assert_eq!(asked.load(Ordering::Relaxed), 1, "{words}");
    }
    let missed = missed(of_endpoint("http://127.0.0.1:1/token")).await.expect("no token");
    assert!(missed.why == Why::NoToken && missed.words.contains("refused"), "{missed:?}");
}
